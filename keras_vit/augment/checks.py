"""Checks of arguments that several layers share."""

from numbers import Integral, Real


def check_choice(argument, value, choices):
    if value not in choices:
        raise ValueError(f"`{argument}` must be one of {choices}. Received: {argument}={value}")


def check_fill_value(fill_value):
    if not isinstance(fill_value, Real) or not 0 <= fill_value <= 255:
        raise ValueError(
            f"`fill_value` must be a number from 0 to 255. Received: fill_value={fill_value}"
        )


def positive_integer(argument, value):
    """The value, 1 or more, as an int."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{argument}` must be a positive integer. Received: {argument}={value}")
    return int(value)


def check_range(argument, value, highest=float("inf")):
    """A pair 0 < low <= high <= highest, returned as a tuple of floats."""
    pair = tuple(value) if isinstance(value, (tuple, list)) else ()
    numbers = len(pair) == 2 and all(isinstance(bound, Real) for bound in pair)
    if not numbers or not 0 < pair[0] <= pair[1] <= highest:
        raise ValueError(
            f"`{argument}` must be a pair 0 < low <= high <= {highest}. "
            f"Received: {argument}={value}"
        )
    return float(pair[0]), float(pair[1])
