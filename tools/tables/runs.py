"""Tables of the recipes' kept runs."""

import re
import runpy
import statistics
from pathlib import Path
from typing import NamedTuple

from keras_vit.runs.recipe import current_preset_name
from tools.tables.markdown import RESULTS, link, percent, read, table

RECIPES = Path(__file__).parents[2] / "recipes"
# Every kept run of a recipe, in the order of the tables; README shows those in README_RUNS.
KEPT = (
    "digits",
    "mnist",
    "mnist-10min",
    "cifar10-hybrid-short",
    "cifar10-hybrid",
    "cifar10-10min",
    "cifar10",
    "cifar10-hour",
    "cifar100",
    "cifar100-hour",
)
README_RUNS = (
    "digits",
    "mnist-10min",
    "cifar10-hybrid-short",
    "cifar10-hybrid",
    "cifar10-hour",
    "cifar100-hour",
)


class Kept(NamedTuple):
    """One or several runs of the same preset, which differ in their seed alone.

    Attributes:
        recipe: name of the recipe.
        preset: present name of the preset.
        folders: of the runs, below results/.
        metrics: the content of each `metrics.json`.
        command: that repeats the runs from a clone, without seed and folder.
        to_end: seconds from each command to its end; empty where nobody took them.
    """

    recipe: str
    preset: str
    folders: list[str]
    metrics: list[dict]
    command: str
    to_end: list[float]

    @property
    def accuracy(self) -> float:
        """Mean share of the test images that is right."""
        return statistics.mean(run["test_accuracy"] for run in self.metrics)

    @property
    def epochs(self) -> str:
        """Passes over the training images; a preset's epochs may have fewer steps than that."""
        preset = read(f"{self.folders[0]}/config.json")["preset"]
        images = self.metrics[0]["training_images"] // preset["batch_size"]
        epochs = self.metrics[0]["epochs"]
        steps = preset.get("steps_per_epoch")
        return f"{epochs * steps / images:.1f}" if steps else str(epochs)

    @property
    def minutes(self) -> float:
        """Mean training time, the tests after an epoch included."""
        return statistics.mean(run["seconds"] for run in self.metrics) / 60


def kept(name: str) -> Kept:
    """What results/NAME, or results/NAME/seed-N, holds."""
    folders = [name]
    if not (RESULTS / name / "metrics.json").exists():
        seeds = (RESULTS / name).glob("seed-*")
        folders = [f"{name}/{folder.name}" for folder in sorted(seeds)]
    metrics = [read(f"{folder}/metrics.json") for folder in folders]
    config = read(f"{folders[0]}/config.json")
    preset = config["preset_name"]
    clock = {}
    if (RESULTS / name / "wall_clock.json").exists():
        clock = read(f"{name}/wall_clock.json")["seconds_from_command_to_end"]
    return Kept(
        recipe=config["recipe"],
        preset=current_preset_name(config["recipe"], preset),
        folders=folders,
        metrics=metrics,
        command=present_command(metrics[0]),
        to_end=list(clock.values()) if isinstance(clock, dict) else [clock],
    )


def present_command(metrics: dict) -> str:
    """The command of a kept run as it is today, without what changes no number.

    The backend is named, the preset has its present name and is named where it is no longer the
    recipe's choice, and a published system's recipe is named by `keras-vit study`; `--out`,
    `--overwrite` and `--seed` are left out.
    """
    words = metrics["command"].split()[1:]
    script = words.pop(0)
    name = script.rpartition("/")[2].removesuffix(".py")
    start = ["python", script]
    if "reproductions/" in script:
        start = ["keras-vit", "study", name]
        if "--variant" not in words:
            start += ["--variant", metrics["preset"]]
    elif not {"--preset", "--config"} & {*words} and (
        preset := no_longer_chosen(name, metrics["preset"])
    ):
        words = ["--preset", preset, *words]
    line = " ".join(words)
    line = re.sub(r"--(out|seed) \S+|--overwrite", "", line)
    line = re.sub(
        r"--preset (\S+)",
        lambda match: f"--preset {current_preset_name(name, match[1])}",
        line,
    )
    return " ".join([f"KERAS_BACKEND={metrics['backend']}", *start, *line.split()])


def no_longer_chosen(recipe: str, preset: str) -> str | None:
    """The present name of a preset that a recipe took by itself and takes no more, or None."""
    file = RECIPES / f"{recipe}.py"
    if not file.exists():
        return None
    preset = current_preset_name(recipe, preset)
    found = runpy.run_path(str(file))["RECIPE"]
    named = preset in found.presets and not found.fine_tunes and not found.pretrains
    return preset if named and preset != found.on_cpu else None


def door(command: str) -> str:
    """The same command by `keras-vit train`, for those who have no clone."""
    return re.sub(r"python recipes/(\w+)\.py", r"keras-vit train \1", command)


def readme() -> str:
    """One row for each data set and size of model: accuracy, time, command."""
    rows = []
    for name in README_RUNS:
        run = kept(name)
        several = f" (mean of {len(run.metrics)} seeds)" if len(run.metrics) > 1 else ""
        rows.append(
            (
                TITLES[run.recipe],
                f"{run.metrics[0]['parameters'] / 1e6:.2f} M",
                f"{run.minutes:.0f} min" if run.minutes >= 2 else f"{60 * run.minutes:.0f} s",
                f"{percent(run.accuracy)}{several}",
                f"`{door(run.command)}`",
            )
        )
    return table(("data", "parameters", "training", "test images right", "command"), rows)


TITLES = {"digits": "digits", "mnist": "MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}


def recipes() -> str:
    """One row for each kept preset of a recipe, with all that its files say."""
    rows = []
    for name in KEPT:
        run = kept(name)
        accuracies = ", ".join(percent(one["test_accuracy"]) for one in run.metrics)
        seconds = ", ".join(f"{one['seconds']:,.0f}" for one in run.metrics)
        rows.append(
            (
                f"{TITLES[run.recipe]}, `{run.preset}`",
                f"{run.metrics[0]['parameters']:,}",
                run.epochs,
                accuracies,
                seconds,
                ", ".join(f"{one:,.0f}" for one in run.to_end) or "–",
                f"`{run.command}`",
                ", ".join(
                    link(f"{folder}/metrics.json", folder.rpartition("/")[2])
                    for folder in run.folders
                ),
            )
        )
    return table(
        (
            "recipe, preset",
            "parameters",
            "epochs",
            "test images right, seeds 0, 1, …",
            "training, s",
            "command to end, s",
            "command",
            "files",
        ),
        rows,
    )


def seeds() -> str:
    """Mean and standard deviation where three seeds were run."""
    rows = []
    for run in map(kept, KEPT):
        if len(run.metrics) < 2:
            continue
        shares = [100 * one["test_accuracy"] for one in run.metrics]
        rows.append(
            (
                f"{TITLES[run.recipe]}, `{run.preset}`",
                f"{statistics.mean(shares):.2f} %",
                f"{statistics.stdev(shares):.2f} points",
                f"{min(run.to_end):.0f} to {max(run.to_end):.0f} s",
            )
        )
    return table(("preset", "mean of 3 seeds", "standard deviation", "command to end"), rows)


def ten_minutes() -> str:
    """What other models reach in ten minutes on the same kind of machine."""
    resnet = read("peers/resnet18/metrics.json")
    preset = read("peers/resnet18/config.json")["preset"]
    images = resnet["training_images"] // preset["batch_size"]
    example = read("peers/keras_io_vit.json")
    rows = [
        (
            "ResNet-18 (SGD without weight decay, bfloat16)",
            "PyTorch",
            f"{resnet['epochs'] * preset['steps_per_epoch'] / images:.2f}",
            percent(resnet["test_accuracy"]),
            "`KERAS_BACKEND=torch python recipes/cifar10.py --preset resnet18 --time-limit 10`",
            link("peers/resnet18/metrics.json", "resnet18"),
        ),
        (
            "the Vision Transformer example of keras.io, unchanged",
            "TensorFlow",
            f"{example['epochs']:.2f}",
            percent(example["test_accuracy"]),
            "`python benchmarks/keras_io_vit.py --minutes 10`",
            link("peers/keras_io_vit.json", "keras_io_vit"),
        ),
    ]
    return table(
        ("model", "backend", "epochs", "CIFAR-10 test images right", "command", "file"), rows
    )


def fine_tuning() -> str:
    """Fine-tuning on 5,000 images beside training from scratch."""
    rows = [
        (
            what,
            percent(read(f"finetune/{name}/metrics.json")["test_accuracy"]),
            f"`{present_command(read(f'finetune/{name}/metrics.json'))}`",
            link(f"finetune/{name}/metrics.json", name),
        )
        for what, name in (
            ("fine-tuned, preset `adamw`", "adamw"),
            ("linear probe", "linear-probe"),
            ("from scratch, the same number of images", "from-scratch"),
        )
    ]
    return table(("training", "CIFAR-10 test images right", "command", "file"), rows)


def pretraining() -> str:
    """Fine-tuning after pretraining without labels beside the same training from scratch."""
    gain = read("pretraining_gain.json")
    rows = [
        (
            f"{gain['pretraining_epochs']} epochs without labels on "
            f"{gain['unlabelled_images']:,} images, then {gain['fine_tuning_epochs']} epochs on "
            f"{gain['labelled_images']:,} labels",
            percent(gain["pretrained_mean"]),
        ),
        (
            f"{gain['fine_tuning_epochs']} epochs on the same {gain['labelled_images']:,} labels "
            "alone",
            percent(gain["scratch_mean"]),
        ),
    ]
    where = f"`{gain['command']}`, {link('pretraining_gain.json')}"
    body = table(("training", "CIFAR-10 test images right"), rows)
    return f"{body}\n\nOne seed: {where}"


def search() -> str:
    """The winner of the kept search beside the configuration that the search began with."""
    found = read("search/metrics.json")
    rows = [
        (
            what,
            f"{read(f'search/{name}/metrics.json')['parameters']:,}",
            percent(found[validation], 1),
            percent(read(f"search/{name}/metrics.json")["test_accuracy"]),
            link(f"search/{name}/metrics.json", name),
        )
        for what, name, validation in (
            (
                "the configuration that the search began with",
                "defaults",
                "first_trial_val_accuracy",
            ),
            (f"the winner, trial {found['best_trial']}", "winner", "best_val_accuracy"),
        )
    ]
    return table(
        (
            "",
            "parameters",
            "validation images right, as a trial",
            "test images right, after one epoch of 49,000 images",
            "file",
        ),
        rows,
    )


TABLES = {
    "readme": readme,
    "recipes": recipes,
    "seeds": seeds,
    "ten-minutes": ten_minutes,
    "fine-tuning": fine_tuning,
    "pretraining": pretraining,
    "search": search,
}
