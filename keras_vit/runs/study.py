"""A study: every variant of a recipe, one after the other."""

from collections.abc import Mapping, Sequence

import keras

from keras_vit.runs.folder import RunFolder
from keras_vit.runs.recipe import Recipe
from keras_vit.runs.run import RunFailed, run
from keras_vit.runs.spec import RunSpec


def run_study(
    recipe: Recipe,
    given: Mapping[str, object],
    command: Sequence[str],
    resume: bool = False,
    overwrite: bool = False,
    **how,
) -> None:
    """Run all presets of a study, each as a command of its own would.

    Args:
        recipe: a `Recipe` that is a study.
        given: dict, fields of `RunSpec` and of the presets that the user gave, for every run.
        command: list of str, the user's command.
        resume: bool, whether to go on with runs that are there. Default: False.
        overwrite: bool, whether to replace runs that are there. Default: False.
        **how: the other arguments of `run`.

    Raises:
        RunFailed: naming the runs that failed; the others are done and stay.
    """
    try:
        for name in recipe.presets:  # What is in the way of one is said before any has trained.
            RunFolder(recipe.folder(name)).may_resume(resume, overwrite)
    except ValueError as error:
        raise RunFailed(error) from error
    words = [word for word in command if word != "--all"]
    failures = []
    for name in recipe.presets:
        try:
            spec = RunSpec.from_recipe(
                recipe,
                [*words, "--variant", name],
                goes_on=resume and RunFolder(recipe.folder(name)).holds_something(),
                **{**given, "preset": name},
            )
            run(spec, recipe.folder(name), resume, overwrite, **how)
        except (RunFailed, ValueError) as error:
            print(f"{recipe.name}: {name} failed: {error}")
            failures.append(f"{name}: {error}")
        keras.backend.clear_session()
    if failures:
        raise RunFailed(f"{len(failures)} of {len(recipe.presets)} failed: {'; '.join(failures)}")
