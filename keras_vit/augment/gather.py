"""Reading at computed places, and counting them: the augmentations' only access to memory."""


def gather_pixels(backend, images, rows, columns, fill_value):
    """Pixels of each image at its own whole coordinates; `fill_value` outside the image.

    Args:
        backend: `self.backend` of the calling layer.
        images: (B, H, W, C) float32.
        rows, columns: int32, broadcastable to (B, H', W').
        fill_value: A number.

    Returns:
        (B, H', W', C) float32.
    """
    np = backend.numpy
    _, height, width, channels = images.shape
    batch = backend.shape(images)[0]
    inside = np.logical_and(
        np.logical_and(rows >= 0, rows < height),
        np.logical_and(columns >= 0, columns < width),
    )
    places = np.clip(rows, 0, height - 1) * width + np.clip(columns, 0, width - 1)
    if backend.name == "jax":
        # Image by image: XLA would bring the whole batch to every one of several devices.
        each = np.reshape(images, (batch, height * width, channels))
        pixels = np.take_along_axis(each, np.reshape(places, (len(places), -1, 1)), axis=1)
        pixels = np.reshape(pixels, (batch, *places.shape[1:], channels))
    else:
        first = np.reshape(np.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
        pixels = look_up(backend, np.reshape(images, (-1, channels)), first + places)
    return np.where(inside[..., None], pixels, float(fill_value))


def look_up(backend, values, places):
    """`values[places]` along the first axis.

    Args:
        backend: `self.backend` of the calling layer.
        values: (N,) or (N, C).
        places: integers of any shape, from 0 to N - 1.
    """
    if backend.name == "torch":
        from keras_vit.backend import lookup_torch  # imports PyTorch

        return lookup_torch.look_up(values, places)
    return backend.numpy.take(values, places, axis=0)


def count(backend, places, size):
    """How often each of `size` places occurs in `places`: integers from 0; int32 (size,)."""
    if backend.name == "torch":
        from keras_vit.backend import lookup_torch

        return lookup_torch.count(places, size)
    places = backend.numpy.reshape(places, (-1,))
    ones = backend.numpy.ones_like(places)
    return backend.math.segment_sum(ones, places, num_segments=size)
