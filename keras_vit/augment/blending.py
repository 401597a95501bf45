"""The four enhancements: a blend of the image with its degenerate, as in PIL's ImageEnhance.

Factor 0 gives the degenerate, 1 the image, above 1 the image's distance from it enlarged.
"""

NAMES = ("Brightness", "Contrast", "Color", "Sharpness")


def blend(backend, images, kind, own, other):
    """Each image with the degenerate of its own kind, truncated to 0–255 as uint8 would be.

    Args:
        backend: `self.backend` of the calling layer.
        images: (B, H, W, C) float32, whole numbers.
        kind: (B,) int32, an index into `NAMES`.
        own: (B,) float32, the factor. 1 leaves the image exactly as it is.
        other: (B,) float32, 1 - own; given, since float32 would lose its last bits here.
    """
    np = backend.numpy
    kind, own, other = (np.reshape(value, (-1, 1, 1, 1)) for value in (kind, own, other))
    grey = _grey(np, images)
    mean = np.mean(grey, axis=(1, 2, 3), keepdims=True)
    degenerate = np.where(kind == NAMES.index("Contrast"), mean, 0.0)
    degenerate = np.where(kind == NAMES.index("Color"), grey, degenerate)
    degenerate = np.where(kind == NAMES.index("Sharpness"), _smooth(np, images), degenerate)
    blended = np.floor(np.clip(own * images + other * degenerate, 0, 255))
    if images.shape[-1] == 1:
        # One channel is its own grey, which the blend would still truncate.
        return np.where(kind == NAMES.index("Color"), images, blended)
    return blended


def _grey(np, images):
    if images.shape[-1] == 1:
        return images
    red, green, blue = (images[..., i : i + 1] for i in range(3))
    return np.floor(0.2989 * red + 0.587 * green + 0.114 * blue)


def _smooth(np, images):
    """A 3×3 mean in which the centre counts five times; the border stays as it is."""
    _, height, width, _ = images.shape
    if height < 3 or width < 3:
        return images
    bands = images[:, :-2] + images[:, 1:-1] + images[:, 2:]
    total = bands[:, :, :-2] + bands[:, :, 1:-1] + bands[:, :, 2:]
    inner = np.round((total + 4 * images[:, 1:-1, 1:-1]) / 13)
    middle = np.concatenate([images[:, 1:-1, :1], inner, images[:, 1:-1, -1:]], axis=2)
    return np.concatenate([images[:, :1], middle, images[:, -1:]], axis=1)
