"""A study: every variant of a recipe, one after the other."""

import argparse

import keras

from keras_vit.training.run import run


def run_study(recipe, flags, arguments):
    """Runs all of a recipe's presets, each as a command of its own would.

    Args:
        recipe: a `Recipe` that is a study.
        flags: what `recipe_parser` parsed; they hold for every run.
        arguments: the command's own words.

    Raises:
        RunFailed: as `run`; the runs before it are done and stay, and --resume goes on behind.
    """
    words = [word for word in arguments if word != "--all"]
    for name in recipe.presets:
        of_variant = argparse.Namespace(**{**vars(flags), "preset": name})
        run(recipe, of_variant, ["--variant", name, *words])
        keras.backend.clear_session()
