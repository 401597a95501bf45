"""train a published system as it was published, one variant or all of them"""

import importlib
import sys
from collections.abc import Sequence

from keras_vit.commands.train import main
from keras_vit.runs.recipe import Recipe

STUDIES = ("visual_attention", "position_study", "hybrid_study", "kun_vit", "flat_image")


def load_study(name: str) -> tuple[Recipe, str]:
    """Load the recipe of a published system and the docstring of its module.

    Args:
        name: str, name of the system's module in keras_vit/reproductions.

    Raises:
        ValueError: if there is no study of that name.
    """
    if name not in STUDIES:
        raise ValueError(f"there is no study {name!r}: choose {', '.join(STUDIES)}")
    module = importlib.import_module(f"keras_vit.reproductions.{name}")
    return module.RECIPE, module.__doc__


def run_script(name: str, words: Sequence[str] | None = None) -> None:
    """Run a study for the script `recipes/reproductions/NAME.py`.

    Args:
        name: str, name of the study.
        words: list of str or None, the words of the command line. None: those of this process.
            Default: None.
    """
    recipe, doc = load_study(name)
    words = sys.argv[1:] if words is None else words
    main(recipe, doc, words, ["python", f"recipes/reproductions/{name}.py"])
