"""The one door: `keras-vit COMMAND`, or `python -m keras_vit COMMAND`."""

import argparse
import sys
from collections.abc import Sequence

from keras_vit.commands import evaluate, export, inspect, predict, serve, summary
from keras_vit.commands import search as search_command
from keras_vit.commands import study as study_command
from keras_vit.commands import train as train_command
from keras_vit.commands.parser import OneLineParser, add_model_argument
from keras_vit.commands.recipe_files import load_recipe, load_search_base, recipe_names
from keras_vit.version import __version__

MODEL_COMMANDS = (evaluate, predict, inspect, export, summary, serve)
# Commands whose flags depend on a recipe. Their help stands here, because they parse their words.
RECIPE_COMMANDS = {
    "train": train_command.__doc__,
    "finetune": "go on with a trained model on your own images",
    "pretrain": "pretrain a ViT without labels, as a masked autoencoder",
    "search": search_command.__doc__,
    "study": study_command.__doc__,
}


def main(words: Sequence[str] | None = None) -> None:
    """Run a command; bad input ends in one line on stderr and exit status 2.

    Args:
        words: list of str. Default: None, the process's own words.
    """
    words = sys.argv[1:] if words is None else list(words)
    if words and words[0] in RECIPE_COMMANDS:
        run_recipe_command(*words)
        return
    flags = door_parser().parse_args(words)
    try:
        flags.run(flags)
    except (ValueError, OSError, MemoryError, ImportError) as error:
        flags.own.error(str(error) or "there is not enough memory")
    except KeyboardInterrupt:
        flags.own.exit(130, f"\n{flags.own.prog}: interrupted\n")


def run_recipe_command(name: str, *words: str) -> None:
    """Run `train`, `finetune`, `pretrain`, `search` or `study`."""
    if name == "search":
        try:
            search_command.main(*load_search_base(), list(words), ["keras-vit", "search"])
        except ImportError as error:
            OneLineParser(prog="keras-vit search").error(error)
        return
    recipe, doc, command, rest = recipe_of(name, *words)
    train_command.main(recipe, doc, rest, command)


def recipe_of(name: str, *words: str):
    """Return the recipe that a command names, its docstring, the command, and the words left."""
    command = ["keras-vit", name]
    if name in ("finetune", "pretrain"):
        return (*load_recipe(name), command, list(words))
    chooser = recipe_chooser(name)
    if not words or words[0].startswith("-"):
        chooser.parse_args(words)
    try:
        load = load_recipe if name == "train" else study_command.load_study
        return (*load(words[0]), [*command, words[0]], list(words[1:]))
    except ValueError as error:
        chooser.error(error)


def recipe_chooser(name: str) -> OneLineParser:
    """Make the parser that answers `keras-vit train --help`, before a recipe is named."""
    names = recipe_names() if name == "train" else study_command.STUDIES
    what = "RECIPE" if name == "train" else "SYSTEM"
    parser = OneLineParser(
        prog=f"keras-vit {name}",
        description=RECIPE_COMMANDS[name],
        epilog=f"keras-vit {name} {what} --help tells more.",
    )
    parser.add_argument("name", metavar=what, help=", ".join(names))
    return parser


def parser_for(words: Sequence[str]) -> tuple[argparse.ArgumentParser, list[str]]:
    """Return the parser that parses a command line, and the words that it is given.

    For tests of commands that are written somewhere, without running them.

    Args:
        words: list of str, what stands behind `keras-vit`.
    """
    name = words[0] if words else ""
    if name == "search":
        _, doc = load_search_base()
        return search_command.search_parser(doc, "keras-vit search"), list(words[1:])
    if name in RECIPE_COMMANDS:
        recipe, doc, command, rest = recipe_of(*words)
        return train_command.recipe_parser(recipe, doc, command), rest
    return door_parser(), list(words)


def door_parser() -> OneLineParser:
    """Make the parser of all commands that use a trained model; the others are listed in it."""
    parser = OneLineParser(
        prog="keras-vit",
        description="Train Vision Transformers in Keras, use them, and look into them.",
        epilog="keras-vit COMMAND --help tells more.",
    )
    parser.add_argument("--version", action="version", version=f"keras-vit {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in RECIPE_COMMANDS.items():
        commands.add_parser(name, help=text)
    for command in MODEL_COMMANDS:
        name = command.__name__.rpartition(".")[2]
        own = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        add_model_argument(own)
        command.add_arguments(own)
        own.set_defaults(run=command.run, own=own)
    return parser
