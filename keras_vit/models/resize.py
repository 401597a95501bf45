"""Change of a model's image size, by interpolation of the weights that depend on the grid."""

import numpy as np
from keras import ops

from keras_vit.extras import needed_for
from keras_vit.models.configured import ConfiguredModel
from keras_vit.models.encoder import check_image_shape

INTERPOLATIONS = ("bicubic", "scipy-linear")


class ResizableModel(ConfiguredModel):
    """A Transformer on a grid of patches whose image size can be changed.

    A subclass has an argument `image_shape` and an attribute `grid`.
    """

    def resized(
        self, image_shape: tuple[int, int, int], interpolation: str = "bicubic"
    ) -> "ResizableModel":
        """Return a new model with the same weights for images of another size.

        Learned positions and relative biases are interpolated over the grid, from any grid to any
        other.

        Args:
            image_shape: tuple of 3 ints, (height, width, channels); the channels must be the same.
            interpolation: "bicubic" (with antialias, as in timm) or "scipy-linear" (as in Google's
                code). Default: "bicubic".

        Returns:
            The new model; this model does not change.

        Raises:
            ValueError: if the number of channels is another, or the patches do not divide the size.
        """
        check_image_shape(image_shape)
        if image_shape[2] != self.image_shape[2]:
            raise ValueError(
                f"The number of channels must stay {self.image_shape[2]}. "
                f"Received: image_shape={tuple(image_shape)}"
            )
        config = {**self.get_config(), "image_shape": tuple(image_shape)}
        other = type(self).from_config(config)
        copy_resized(self, other, interpolation)
        return other


def copy_resized(source: ResizableModel, target: ResizableModel, interpolation: str) -> None:
    """Copy every weight of one model into another whose grid may differ."""
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


def resize_bias_table(
    table: np.ndarray,
    source_grid: tuple[int, int],
    target_grid: tuple[int, int],
    interpolation: str,
) -> np.ndarray:
    """Interpolate the table of relative biases `(offsets + 3, heads)` to another grid."""
    source, target = (tuple(2 * side - 1 for side in grid) for grid in (source_grid, target_grid))
    offsets = source[0] * source[1]
    resized = resize_grid(table[:offsets].reshape(*source, -1), target, interpolation)
    return np.concatenate([resized.reshape(-1, table.shape[1]), table[offsets:]])


def resize_grid(
    values: np.ndarray, target_grid: tuple[int, int], interpolation: str = "bicubic"
) -> np.ndarray:
    """Interpolate values on a grid to another grid.

    Args:
        values: float32 `(rows, columns, D)`.
        target_grid: pair of ints, (rows, columns).
        interpolation: "bicubic" (with antialias by Pillow's kernel, a = -0.5; PyTorch with
            antialias, and so timm, uses the same kernel) or "scipy-linear" (`scipy.ndimage.zoom` of
            order 1, as in Google's code). Default: "bicubic".

    Returns:
        Float32 `(rows, columns, D)` of the new grid.

    Raises:
        ImportError: if the interpolation is "scipy-linear" and scipy is not installed.
        ValueError: if the interpolation is unknown.
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


def check_interpolation(interpolation: str) -> None:
    """Raise a ValueError if there is no interpolation of this name."""
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"`interpolation` must be one of {INTERPOLATIONS}. "
            f"Received: interpolation={interpolation!r}"
        )


def resize_bicubic(values: np.ndarray, target_grid: tuple[int, int]) -> np.ndarray:
    """Interpolate `(rows, columns, D)` to another grid by Pillow."""
    from PIL import Image

    size = (target_grid[1], target_grid[0])
    planes = [
        np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
        for plane in np.ascontiguousarray(np.moveaxis(values, -1, 0), "float32")
    ]
    return np.stack(planes, axis=-1)
