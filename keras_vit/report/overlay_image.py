"""A heat map over one image, as pixels and not as a figure."""

import numpy as np

SIDE = 512  # pixels of an enlarged image's longer side


def heat_image(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Lays a map over an image, enlarged so that its pixels can be seen.

    The map is scaled from its least to its greatest value and coloured with matplotlib's
    viridis, from violet to yellow, and laid over the grey image by two thirds.

    Args:
        image: uint8 `(H, W, 3)`.
        heat: `(rows, columns)`, such as one of `patch_attention`'s.

    Returns:
        uint8 `(height, width, 3)`, the longer side 512.
    """
    from matplotlib import colormaps
    from PIL import Image

    big = Image.fromarray(enlarged(image))
    heat = np.asarray(heat, "float32")
    heat = (heat - heat.min()) / max(np.ptp(heat), 1e-12)
    heat = np.asarray(Image.fromarray(heat).resize(big.size, Image.Resampling.BILINEAR))
    grey = np.asarray(big.convert("L"))[..., np.newaxis]
    colors = 255 * colormaps["viridis"](heat)[..., :3]
    return np.rint(grey / 3 + colors * 2 / 3).astype("uint8")


def enlarged(image: np.ndarray) -> np.ndarray:
    """A uint8 image `(H, W, 3)` with a longer side of 512, its pixels kept as squares."""
    from PIL import Image

    scale = SIDE / max(image.shape[:2])
    size = tuple(max(1, round(scale * n)) for n in image.shape[1::-1])
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.NEAREST))
