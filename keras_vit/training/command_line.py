"""The command line that all recipes share."""

import argparse
import math
import sys
from pathlib import Path

from keras_vit.training.distribution import KINDS
from keras_vit.training.preset import Preset
from keras_vit.training.run import RunFailed, run
from keras_vit.training.study import run_study
from keras_vit.training.termination import Terminated


def main(recipe, doc, arguments=None):
    """Runs a recipe from the command line; bad input ends in one line and exit status 2.

    Args:
        recipe: a `Recipe`.
        doc: its docstring, for `--help`.
        arguments: list of str; None takes the process's own.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = recipe_parser(recipe, doc)
    flags = parser.parse_args(arguments)
    if recipe.study and flags.all and (flags.preset or flags.out):
        parser.error("--all runs every variant in its own folder: no --variant and no --out")
    try:
        if recipe.study and flags.all:
            run_study(recipe, flags, arguments)
        else:
            run(recipe, flags, arguments)
    except RunFailed as error:
        parser.error(" ".join(str(error).split()))
    except Terminated as end:
        parser.exit(143, f"\n{parser.prog}: {end}; the same command with --resume goes on\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: interrupted; the same command with --resume goes on\n")


class OneLineParser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def recipe_parser(recipe, doc):
    presets = "\n".join(f"  {name}: {p.summary}; {p.expect}" for name, p in recipe.presets.items())
    parser = OneLineParser(
        prog=f"{recipe.name}.py",
        description=doc,
        epilog=f"{recipe.choice}s:\n{presets}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chosen = parser
    if recipe.fine_tunes:
        chosen = parser.add_mutually_exclusive_group()
        add_fine_tuning(parser, chosen)
    chosen.add_argument(
        f"--{recipe.choice}",
        dest="preset",
        choices=list(recipe.presets),
        help=f"default: {recipe.on_cpu} on a CPU, {recipe.on_gpu} on a GPU",
    )
    parser.set_defaults(config=None)
    if not recipe.study and recipe.preset_class is Preset and not recipe.fine_tunes:
        parser.add_argument(
            "--config",
            metavar="FILE",
            help="a preset in a JSON file, such as the winner.json of recipes/search.py",
        )
    add_data_flags(parser, recipe.data)
    parser.add_argument("--epochs", type=positive, help="instead of the preset's")
    parser.add_argument("--batch-size", type=positive, help="instead of the preset's")
    parser.add_argument(
        "--accumulate",
        type=positive,
        metavar="N",
        help="take each batch in N parts, for less memory, and update by their mean gradient",
    )
    parser.add_argument(
        "--remat",
        action="store_const",
        const=True,
        help="compute the blocks again in the backward pass instead of keeping them, for less "
        "memory",
    )
    parser.add_argument(
        "--time-limit",
        type=minutes,
        metavar="MINUTES",
        help="train as many steps of the preset's as end within this time, testing included",
    )
    parser.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="train on N images; the whole test set is tested all the same",
    )
    parser.add_argument(
        "--dtype",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        help="dtype policy instead of the preset's",
    )
    parser.add_argument(
        "--distribute",
        choices=KINDS,
        help="train on all devices: each has a part of every batch (data, on JAX and TensorFlow), "
        "or of every attention and MLP (model, on JAX); README tells of several hosts",
    )
    add_run_flags(parser, recipe.folder("VARIANT"))
    parser.add_argument(
        "--save-every",
        type=positive,
        metavar="STEPS",
        help="save within an epoch too; an epoch's end and SIGTERM always do",
    )
    if recipe.study:
        parser.add_argument(
            "--all",
            action="store_true",
            help="run every variant, each in its folder; with --resume those not yet finished",
        )
    return parser


def add_data_flags(parser, data):
    """What is trained on.

    Args:
        parser: an `argparse` parser.
        data: the source that is taken where the user gives none; None: they must.
    """
    parser.add_argument(
        "--data",
        metavar="SOURCE",
        help="a data set's name, a .npz file or a folder of class folders"
        + (f" ({data})" if data else ""),
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


def add_run_flags(parser, folder):
    """Seed, folder, and what to do where the folder holds something.

    Args:
        parser: an `argparse` parser.
        folder: that is taken where the user gives none.
    """
    parser.add_argument("--seed", type=natural, help="default: 0")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"the run's folder (default: {folder})",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with the run in DIR, with its settings"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a run in DIR")


def add_fine_tuning(parser, chosen):
    """The words of a recipe that starts from a checkpoint."""
    parser.add_argument(
        "checkpoint",
        nargs="?",
        metavar="CHECKPOINT",
        help="a .keras file, a run's folder, or a published file: Google's .npz, timm's or "
        "Hugging Face's .safetensors, .pth (not needed with --resume)",
    )
    chosen.add_argument(
        "--linear-probe",
        dest="preset",
        action="store_const",
        const="linear-probe",
        help="the same as --preset linear-probe",
    )
    parser.add_argument(
        "--learning-rate",
        dest="peak_learning_rate",
        type=share,
        metavar="RATE",
        help="instead of the preset's",
    )
    parser.add_argument(
        "--layer-decay",
        type=share,
        metavar="FACTOR",
        help="of the learning rate from each block to the one before it; 1: none",
    )
    parser.add_argument(
        "--lora-rank", type=positive, metavar="RANK", help="with --preset lora, instead of its own"
    )
    parser.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="flip training images left and right (default: yes)",
    )


def share(text):
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1, not {text!r}")
    return number


def positive(text):
    return whole_number(text, 1)


def minutes(text):
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"must be minutes, more than 0, not {text!r}")
    return number


def natural(text):
    return whole_number(text, 0)


def whole_number(text, least, most=10**9 - 1):
    if not text.isdecimal() or len(text) > 9 or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(
            f"must be a whole number of {least} to {most}, not {text!r}"
        )
    return int(text)
