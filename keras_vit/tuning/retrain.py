"""The winner's full training: an ordinary run of a recipe."""

from keras_vit.files import read_json
from keras_vit.training.command_line import recipe_parser
from keras_vit.training.recipe import Recipe
from keras_vit.training.run import run
from keras_vit.training.run_folder import RunFolder

RECIPES = ("digits", "mnist", "cifar10", "cifar100")


def retrain(winner, settings, folder):
    """Trains the winner as `python recipes/NAME.py --config winner.json` does; goes on if begun.

    Args:
        winner: its `Preset`, which is in the folder's `winner.json` too.
        settings: the search's.
        folder: a `SearchFolder`; the run's own is inside it.

    Returns:
        The run's metrics. Only here are the test images read, by the trained winner.
    """
    data = settings["data"]
    name = data if data in RECIPES else "cifar10"
    recipe = Recipe(name, data, {"winner": winner}, on_cpu="winner", on_gpu="winner")
    words = ["--out", str(folder.retrained), "--seed", str(settings["seed"])]
    if not RunFolder(folder.retrained).holds_something():  # else it is in that run's settings
        words += ["--config", str(folder.winner)]
    if data != name:
        words += ["--data", data]
    for key in ("data_dir", "image_size"):
        if settings[key] is not None:
            words += [f"--{key.replace('_', '-')}", str(settings[key])]
    if settings["skip_bad"]:
        words.append("--skip-bad")
    if settings["stream"] is not None:
        words.append("--stream" if settings["stream"] else "--no-stream")
    words.append("--resume")
    metrics = run(recipe, recipe_parser(recipe, "").parse_args(words), words)
    return metrics or read_json(folder.retrained / "metrics.json")
