"""What all command lines share: one-line errors, types of flags, flags of data and runs."""

import argparse
import math
from pathlib import Path


class OneLineParser(argparse.ArgumentParser):
    """An `argparse` parser that answers bad input with one line and exit status 2."""

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {' '.join(str(message).split())}\n")


def add_data_flags(parser, data: str | None) -> None:
    """Add the flags that say what is trained on.

    Args:
        parser: an `argparse` parser.
        data: str, the source that is taken where the user gives none; None: they must give one.
    """
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="a data set's name, a .npz file or a folder of class folders"
        + (f" (default: {data})" if data else ""),
    )
    parser.add_argument(
        "--data-dir", metavar="DIR", help="where tensorflow-datasets keeps its data sets"
    )
    parser.add_argument(
        "--image-size", type=positive, metavar="PIXELS", help="resize all images to this square"
    )
    parser.add_argument(
        "--stream",
        action=argparse.BooleanOptionalAction,
        help="read a folder's images as they are needed, or all at once "
        "(default: as they are needed where they would take more than 2 GiB)",
    )
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        default=None,
        help="leave out images that can't be read, and count them",
    )


def add_run_flags(parser, folder: Path) -> None:
    """Add the flags for the seed, for the folder, and for what to do where it holds a run.

    Args:
        parser: an `argparse` parser.
        folder: path, the folder that is taken where the user gives none.
    """
    parser.add_argument("--seed", type=natural, help="default: 0")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help=f"the run's folder (default: {folder})"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in DIR, with its settings"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a run in DIR")


def add_model_argument(parser) -> None:
    """Add the word that names a trained model."""
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a .keras file, a run's folder, or a published checkpoint (Google's .npz; timm's "
        "or Hugging Face's .safetensors, or its folder)",
    )


def share(text: str) -> float:
    """Parse a number above 0 and at most 1."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, not {text!r}")
    return number


def minutes(text: str) -> float:
    """Parse a number of minutes."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"must be minutes, more than 0, not {text!r}")
    return number


def positive(text: str) -> int:
    """Parse a whole number of 1 or more."""
    return whole_number(text, 1)


def natural(text: str) -> int:
    """Parse a whole number of 0 or more."""
    return whole_number(text, 0)


def whole_number(text: str, least: int, most: int = 10**9 - 1) -> int:
    """Parse a whole number between two limits."""
    if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of {least} to {most}, not {text!r}"
        )
    return int(text)
