"""train a model by a recipe: digits, mnist, cifar10, cifar100, or a recipe file of your own"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from keras_vit.backend.hardware import device_kind
from keras_vit.backend.supported import check_can_train
from keras_vit.commands.parser import (
    OneLineParser,
    add_data_flags,
    add_run_flags,
    minutes,
    positive,
    share,
)
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.recipe import Recipe, current_preset_name
from keras_vit.runs.run import RunFailed, run
from keras_vit.runs.spec import RunSpec
from keras_vit.runs.study import run_study
from keras_vit.runs.termination import Terminated
from keras_vit.train.distribution import KINDS, join_hosts

# Flags that say how to carry out a run, instead of what it is to do.
HOW = ("out", "resume", "overwrite", "save_every", "all")


def main(
    recipe: Recipe,
    doc: str,
    words: Sequence[str] | None = None,
    command: Sequence[str] | None = None,
) -> None:
    """Run a recipe from the command line; bad input ends in one line and exit status 2.

    Args:
        recipe: the `Recipe`.
        doc: str, the recipe's docstring, for `--help`.
        words: list of str, the words behind the command. Default: None, the process's own.
        command: list of str, the command itself, such as ["keras-vit", "train", "digits"].
            Default: None, the recipe's file.
    """
    words = sys.argv[1:] if words is None else list(words)
    if command is None:
        folder = "recipes/reproductions" if recipe.study else "recipes"
        command = ["python", f"{folder}/{recipe.name}.py"]
    parser = recipe_parser(recipe, doc, command)
    flags = parser.parse_args(words)
    if recipe.study and flags.all and (flags.preset or flags.out):
        parser.error("--all runs every variant in its own folder: no --variant and no --out")
    try:
        carry_out(recipe, flags, [*command, *words])
    except (RunFailed, ValueError, OSError, ImportError, MemoryError) as error:
        parser.error(str(error) or "there is not enough memory")
    except Terminated as end:
        parser.exit(143, f"\n{parser.prog}: {end}; the same command with --resume goes on\n")
    except KeyboardInterrupt:
        parser.exit(130, f"\n{parser.prog}: interrupted; the same command with --resume goes on\n")


def carry_out(recipe: Recipe, flags: argparse.Namespace, command: Sequence[str]) -> None:
    """Run what the flags ask for: one preset, or with --all every variant of a study."""
    check_can_train()
    join_hosts()  # Before all else: JAX joins the hosts before it touches a device.
    given = {name: value for name, value in vars(flags).items() if name not in HOW}
    how = {"resume": flags.resume, "overwrite": flags.overwrite, "save_every": flags.save_every}

    def announced(spec):
        announce(recipe, spec)

    if recipe.study and flags.all:
        run_study(recipe, given, command, announce=announced, **how)
        return
    out = flags.out or recipe.folder(flags.preset or recipe.preset_for(flags.data))
    goes_on = flags.resume and RunFolder(out).holds_something()
    spec = RunSpec.from_recipe(recipe, command, goes_on=goes_on, **given)
    run(spec, out, announce=announced, **how)


def announce(recipe: Recipe, spec: RunSpec) -> None:
    """Say what is going to be run, what to expect, and how to choose otherwise."""
    print(
        f"{recipe.name}: {recipe.choice} {spec.preset_name} ({spec.preset.summary}) for this "
        f"{device_kind()}, {keras.backend.backend()} backend, {spec.preset.dtype}"
    )
    if not recipe.fine_tunes:  # What to expect depends on the user's own checkpoint and data.
        measured = "expect" if spec.as_measured else "without your changes, expect"
        print(f"{recipe.name}: {measured} {spec.preset.expect}")
    others = [name for name in recipe.presets if name != spec.preset_name]
    if others:
        print(f"{recipe.name}: or choose with --{recipe.choice} {'|'.join(others)} (see --help)")


def recipe_parser(recipe: Recipe, doc: str, command: Sequence[str]) -> OneLineParser:
    """Make the parser of a recipe's command line.

    Args:
        recipe: the `Recipe`.
        doc: str, for `--help`.
        command: list of str, the command, whose last file name or words name the program.
    """
    presets = "\n".join(f"  {name}: {p.summary}; {p.expect}" for name, p in recipe.presets.items())
    prog = Path(command[-1]).name if command[0] == "python" else " ".join(command)
    parser = OneLineParser(
        prog=prog,
        description=doc,
        epilog=f"{recipe.choice}s:\n{presets}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(config=None, all=False)
    add_preset_flags(parser, recipe)
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
        "or of every attention and MLP (model, on JAX); docs/scaling.md tells of several hosts",
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


def add_preset_flags(parser, recipe: Recipe) -> None:
    """Add the flags that choose the preset, and for fine-tuning those of its own."""

    def present_name(name):
        return name if name in recipe.presets else current_preset_name(recipe.name, name)

    chosen = parser
    if recipe.fine_tunes:
        chosen = parser.add_mutually_exclusive_group()
        add_fine_tuning(parser, chosen)
    chosen.add_argument(
        f"--{recipe.choice}",
        dest="preset",
        choices=list(recipe.presets),
        type=lambda name: (
            name if name in recipe.presets else current_preset_name(recipe.name, name)
        ),
        help=f"default: {recipe.on_cpu} on a CPU, {recipe.on_gpu} on a GPU",
    )
    if not (recipe.study or recipe.pretrains or recipe.fine_tunes):
        parser.add_argument(
            "--config",
            metavar="FILE",
            help="a preset in a JSON file, such as the winner.json of keras-vit search",
        )


def add_fine_tuning(parser, chosen) -> None:
    """Add the words of a recipe that starts from a checkpoint."""
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
