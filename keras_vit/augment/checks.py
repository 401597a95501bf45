"""Checks of arguments that several augmentation layers share."""

from numbers import Integral, Real


def check_choice(argument: str, value: str, choices: tuple[str, ...]) -> None:
    """Check that an argument is one of the allowed values.

    Args:
        argument: str, name of the argument in the error message.
        value: str, value of the argument.
        choices: tuple of str, the allowed values.

    Raises:
        ValueError: if `value` is not one of `choices`.
    """
    if value not in choices:
        raise ValueError(f"`{argument}` must be one of {choices}. Received: {argument}={value}")


def check_fill_value(fill_value: float) -> None:
    """Check the value of pixels that come from outside the image.

    Args:
        fill_value: float or int in [0, 255].

    Raises:
        ValueError: if `fill_value` is not a number from 0 to 255.
    """
    if not isinstance(fill_value, Real) or not 0 <= fill_value <= 255:
        raise ValueError(
            f"`fill_value` must be a number from 0 to 255. Received: fill_value={fill_value}"
        )


def positive_integer(argument: str, value: int) -> int:
    """Check that an argument is a positive integer, and return it as an int.

    Args:
        argument: str, name of the argument in the error message.
        value: int, or another integer type such as NumPy's.

    Returns:
        The value as an int.

    Raises:
        ValueError: if `value` is not an integer or is less than 1.
    """
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{argument}` must be a positive integer. Received: {argument}={value}")
    return int(value)


def check_range(
    argument: str, value: tuple[float, float], highest: float = float("inf")
) -> tuple[float, float]:
    """Check that an argument is a pair 0 < low <= high <= highest, and return it as floats.

    Args:
        argument: str, name of the argument in the error message.
        value: tuple or list of two numbers, (low, high).
        highest: float, upper bound of `high`. Default: infinity.

    Returns:
        Two floats, (low, high).

    Raises:
        ValueError: if `value` is not such a pair.
    """
    pair = tuple(value) if isinstance(value, (tuple, list)) else ()
    numbers = len(pair) == 2 and all(isinstance(bound, Real) for bound in pair)
    if not numbers or not 0 < pair[0] <= pair[1] <= highest:
        raise ValueError(
            f"`{argument}` must be a pair 0 < low <= high <= {highest}. "
            f"Received: {argument}={value}"
        )
    return float(pair[0]), float(pair[1])
