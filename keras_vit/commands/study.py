"""train a published system as it was published, one variant or all of them"""

import importlib
import sys
from collections.abc import Sequence

from keras_vit.commands.train import main
from keras_vit.runs.recipe import Recipe

STUDIES = ("visual_attention", "position_study", "hybrid_study", "kun_vit", "flat_image")


def load_study(name: str) -> tuple[Recipe, str]:
    """Load the recipe of a published system, and its docstring.

    Raises:
        ValueError: for a name that there is not.
    """
    if name not in STUDIES:
        raise ValueError(f"there is no study {name!r}: choose {', '.join(STUDIES)}")
    module = importlib.import_module(f"keras_vit.reproductions.{name}")
    return module.RECIPE, module.__doc__


def run_script(name: str, words: Sequence[str] | None = None) -> None:
    """Run a study as the file `recipes/reproductions/NAME.py`."""
    recipe, doc = load_study(name)
    words = sys.argv[1:] if words is None else words
    main(recipe, doc, words, ["python", f"recipes/reproductions/{name}.py"])
