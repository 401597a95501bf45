"""A model's weights at another image size: what hangs on the grid is interpolated."""

import numpy as np
from keras import ops

from keras_vit.extras import needed_for
from keras_vit.models.configured import ConfiguredModel
from keras_vit.models.encoder import check_image_shape

INTERPOLATIONS = ("bicubic", "scipy-linear")


class ResizableModel(ConfiguredModel):
    """A Transformer on a grid of patches, which can be had for images of another size.

    A subclass has an argument `image_shape` and an attribute `grid`.
    """

    def resized(self, image_shape, interpolation="bicubic"):
        """The same weights in a model for images of another size.

        Learned positions and relative biases are interpolated over the grid, from any grid to any
        other.

        Args:
            image_shape: (height, width, channels); the channels must stay.
            interpolation: "bicubic" (with antialias, as timm's) or "scipy-linear" (as Google's).

        Raises:
            ValueError: for other channels, or a size that the patches do not divide.
        """
        check_image_shape(image_shape)
        if image_shape[2] != self.image_shape[2]:
            raise ValueError(
                f"The channels must stay {self.image_shape[2]}. Received: {tuple(image_shape)}"
            )
        config = {**self.get_config(), "image_shape": tuple(image_shape)}
        other = type(self).from_config(config)
        copy_resized(self, other, interpolation)
        return other


def copy_resized(source, target, interpolation):
    """Copies every weight of one model into another whose grid may differ."""
    if source.grid == target.grid:
        target.set_weights(source.get_weights())
        return
    for old, new in zip(source.weights, target.weights, strict=True):
        values = ops.convert_to_numpy(old)
        if old.path.endswith("patch_encoder/positions"):
            prefix = values.shape[1] - source.grid[0] * source.grid[1]
            patches = values[0, prefix:].reshape(*source.grid, -1)
            patches = resize_grid(patches, target.grid, interpolation).reshape(
                1, -1, values.shape[-1]
            )
            values = np.concatenate([values[:, :prefix], patches], axis=1)
        elif old.path.endswith("attention/bias/table"):
            values = resize_bias_table(values, source.grid, target.grid, interpolation)
        new.assign(values)


def resize_bias_table(table, source_grid, target_grid, interpolation):
    """A relative bias table `(offsets + 3, heads)` for another grid."""
    source, target = (tuple(2 * side - 1 for side in grid) for grid in (source_grid, target_grid))
    offsets = source[0] * source[1]
    resized = resize_grid(table[:offsets].reshape(*source, -1), target, interpolation)
    return np.concatenate([resized.reshape(-1, table.shape[1]), table[offsets:]])


def resize_grid(values, target_grid, interpolation="bicubic"):
    """Interpolates `(rows, columns, D)` float32 to another grid.

    Args:
        values: `(rows, columns, D)`.
        target_grid: (rows, columns).
        interpolation: "bicubic", with antialias, by Pillow's kernel (a = -0.5), which PyTorch's
            antialiased one and so timm's follow; "scipy-linear", `scipy.ndimage.zoom` of order 1,
            as in Google's code.

    Raises:
        ImportError: If the interpolation is "scipy-linear" and scipy is not installed.
    """
    check_interpolation(interpolation)
    if values.shape[:2] == tuple(target_grid):
        return values
    if interpolation == "scipy-linear":
        with needed_for("interpolation='scipy-linear'"):
            from scipy.ndimage import zoom

        rows, columns = (new / old for new, old in zip(target_grid, values.shape, strict=False))
        return zoom(values, (rows, columns, 1), order=1)
    return resize_bicubic(values, target_grid)


def check_interpolation(interpolation):
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"`interpolation` must be one of {INTERPOLATIONS}. Received: {interpolation!r}"
        )


def resize_bicubic(values, target_grid):
    from PIL import Image

    size = (target_grid[1], target_grid[0])
    planes = [
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
        for plane in np.ascontiguousarray(np.moveaxis(values, -1, 0), "float32")
    ]
    return np.stack(planes, axis=-1)
