"""The scale and offset that normalise pixels by their mean and standard deviation."""

from collections.abc import Sequence


def rescaling_of(
    mean: Sequence[float], std: Sequence[float], factor: float = 1 / 255
) -> tuple[float | tuple[float, ...], float | tuple[float, ...]]:
    """Return the argument `rescaling` of a model that normalises its images.

    A model multiplies the pixels by the scale and adds the offset, which gives
    `(factor * pixels - mean) / std`.

    Args:
        mean: sequence of float, mean of each channel, of pixels multiplied by `factor`.
        std: sequence of float, standard deviation of each channel, of the same pixels.
        factor: float, multiplies pixels from 0 to 255 first. Default: 1 / 255, which brings
            them to 0 to 1.

    Returns:
        The pair (scale, offset): two floats if all channels have the same mean and the same
        deviation, and otherwise two tuples with a float for each channel.
    """
    if len(set(mean)) == len(set(std)) == 1:
        return (factor / std[0], -mean[0] / std[0])
    return (
        tuple(factor / s for s in std),
        tuple(-m / s for m, s in zip(mean, std, strict=True)),
    )
