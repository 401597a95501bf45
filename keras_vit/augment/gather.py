"""Reading pixels and table entries at computed indices, and counting indices."""


def gather_pixels(backend, images, rows, columns, fill_value: float):
    """Read pixels of each image at whole-numbered coordinates of its own.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        images: tensor `(B, H, W, C)` float32.
        rows: int32 tensor that can be broadcast to `(B, H', W')`, rows of the input to read.
        columns: int32 tensor that can be broadcast to `(B, H', W')`, columns of the input to read.
        fill_value: float, the value where a coordinate is outside the image.

    Returns:
        Tensor `(B, H', W', C)` float32.
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
        # Each image is read by itself. Where the batch is spread over several devices, XLA would
        # otherwise copy the whole batch to every device.
        pixels = np.reshape(images, (batch, height * width, channels))
        pixels = np.take_along_axis(pixels, np.reshape(places, (len(places), -1, 1)), axis=1)
        pixels = np.reshape(pixels, (batch, *places.shape[1:], channels))
    else:
        first = np.reshape(np.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
        pixels = look_up(backend, np.reshape(images, (-1, channels)), first + places)
    return np.where(inside[..., None], pixels, float(fill_value))


def look_up(backend, values, places):
    """Compute `values[places]` along the first axis.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        values: tensor `(N,)` or `(N, C)`.
        places: int tensor of any shape, values from 0 to N - 1.

    Returns:
        Tensor of the shape of `places`, followed by C where `values` has two axes.
    """
    if backend.name == "torch":
        from keras_vit.backend import lookup_torch  # imports PyTorch

        return lookup_torch.look_up(values, places)
    return backend.numpy.take(values, places, axis=0)


def count(backend, places, size: int):
    """Count how often each index occurs.

    Args:
        backend: Keras's backend module, `self.backend` of the calling layer.
        places: int tensor of any shape, values from 0 to `size` - 1.
        size: int, number of different indices.

    Returns:
        Tensor `(size,)` int32.
    """
    if backend.name == "torch":
        from keras_vit.backend import lookup_torch

        return lookup_torch.count(places, size)
    places = backend.numpy.reshape(places, (-1,))
    ones = backend.numpy.ones_like(places)
    return backend.math.segment_sum(ones, places, num_segments=size)
