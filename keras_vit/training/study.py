"""A study: every variant of a recipe, one after the other."""

import argparse

import keras

from keras_vit.training.run import RunFailed, run
from keras_vit.training.run_folder import RunFolder
from keras_vit.training.settings import may_resume


def run_study(recipe, flags, arguments):
    """Runs all of a recipe's presets, each as a command of its own would.

    Args:
        recipe: a `Recipe` that is a study.
        flags: what `recipe_parser` parsed; they hold for every run.
        arguments: the command's own words.

    Raises:
        RunFailed: naming the runs that failed; the others are done and stay.
    """
    try:
        for name in recipe.presets:  # what is in the way of one is said before any has trained
            may_resume(flags, RunFolder(recipe.folder(name)))
    except ValueError as error:
        raise RunFailed(error) from error
    words = [word for word in arguments if word != "--all"]
    failures = []
    for name in recipe.presets:
        of_variant = argparse.Namespace(**{**vars(flags), "preset": name})
        try:
            run(recipe, of_variant, ["--variant", name, *words])
        except RunFailed as error:
            print(f"{recipe.name}: {name} failed: {error}")
            failures.append(f"{name}: {error}")
        keras.backend.clear_session()
    if failures:
        raise RunFailed(f"{len(failures)} of {len(recipe.presets)} failed: {'; '.join(failures)}")
