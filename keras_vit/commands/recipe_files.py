"""Find recipes by name: in the installed package, in a clone, or in a file of the user's."""

import runpy
from pathlib import Path

from keras_vit.runs.preset import Preset
from keras_vit.runs.recipe import Recipe

PACKAGE = Path(__file__).parents[1]
# The wheel has the recipes inside the package; a clone has them beside it.
IN_WHEEL, IN_CLONE = PACKAGE / "recipes", PACKAGE.parent / "recipes"
FOLDER = IN_WHEEL if IN_WHEEL.is_dir() else IN_CLONE
OTHER_COMMANDS = ("finetune", "pretrain", "search")  # recipes that have a command of their own


def recipe_names() -> list[str]:
    """Return the names of the recipes for `keras-vit train`."""
    files = {file.stem for file in FOLDER.glob("[a-z]*.py")}
    return sorted(files.difference(OTHER_COMMANDS))


def load_recipe(name: str) -> tuple[Recipe, str]:
    """Load a recipe and its docstring.

    Args:
        name: str, a name such as "digits", or the path of a Python file that defines `RECIPE`.
            The file is code and is run.

    Raises:
        ValueError: for a name that there is not, or a file without a recipe.
    """
    values = run_recipe_file(name)
    if not isinstance(values.get("RECIPE"), Recipe):
        raise ValueError(f"{name} defines no RECIPE of keras_vit.runs.Recipe")
    return values["RECIPE"], values.get("__doc__") or ""


def load_search_base() -> tuple[Preset, str]:
    """Load the preset that `keras-vit search` begins with, and the docstring of its file."""
    values = run_recipe_file("search")
    return values["BASE"], values["__doc__"]


def run_recipe_file(name: str) -> dict:
    """Run a recipe's file and return the names that it defines."""
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise ValueError(f"{name}: there is no such file")
        return runpy.run_path(name)
    if (FOLDER / f"{name}.py").is_file():
        return runpy.run_path(str(FOLDER / f"{name}.py"))
    raise ValueError(
        f"there is no recipe {name!r}: choose {', '.join(recipe_names())}, or give the path of a "
        "recipe file"
    )
