"""Tables of the five published systems: what was published beside what was measured here."""

import csv
import dataclasses
import importlib
import json
import shutil
from pathlib import Path

from keras_vit.files import whole_file
from tools.tables.markdown import RESULTS, link, read, table
from tools.tables.runs import present_command

SYSTEMS = ("visual_attention", "position_study", "hybrid_study", "kun_vit", "flat_image")
KEPT = (
    "config.json",
    "history.csv",
    "curves.png",
    "confusion.png",
    "attention.png",
    "metrics.json",
)
# A preset may differ in these and train the same weights.
ASIDE = ("summary", "expect", "remat", "steps_per_execution", "checkpoint_epochs")


def system(name: str):
    """The module of a system, with its `RECIPE`, `PUBLISHED` and `FORM`."""
    return importlib.import_module(f"keras_vit.reproductions.{name}")


def keep(run: Path) -> Path:
    """Copy a finished run's small files to where the tables look for them.

    Args:
        run: folder of the run. A run with another preset, fewer images or other data than the
            variant's own goes to `VARIANT-short`.

    Returns:
        The folder below results/reproductions/.

    Raises:
        ValueError: for a run of another recipe.
        OSError: for a run that is not finished.
    """
    config = json.loads((run / "config.json").read_text())
    json.loads((run / "metrics.json").read_text())
    if config["recipe"] not in SYSTEMS:
        raise ValueError(
            f"The run must be of one of {', '.join(SYSTEMS)}. Received: {run}, "
            f"a run of {config['recipe']}"
        )
    recipe = system(config["recipe"]).RECIPE
    asked = recipe.presets[config["preset_name"]]
    defaults = {
        field.name: field.default
        for field in dataclasses.fields(asked)
        if field.default is not dataclasses.MISSING
    }
    # A run of an earlier version has no field that came later.
    same = trained(defaults | config["preset"]) == trained(dataclasses.asdict(asked))
    # The data may be named, or be a copy's file of that name.
    same_data = Path(config["data"]).stem == (asked.data or recipe.data)
    whole = same and same_data and config["limit"] is None and config["image_size"] is None
    folder = config["preset_name"] + ("" if whole else "-short")
    target = RESULTS / "reproductions" / config["recipe"] / folder
    target.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (run / name).exists():
            with whole_file(target / name) as draft:
                shutil.copyfile(run / name, draft)
    return target


def trained(preset: dict) -> dict:
    """What a preset trains, as a JSON file has it: there, lists and tuples are the same."""
    return json.loads(json.dumps({key: v for key, v in preset.items() if key not in ASIDE}))


def done() -> str:
    """One row for each variant with a kept run: published and measured accuracies."""
    rows = []
    for name in SYSTEMS:
        of = system(name)
        for variant, published in of.PUBLISHED.items():
            for folder in (variant, f"{variant}-short"):
                if metrics := measured(name, folder):
                    rows.append(done_row(of, name, variant, folder, published, metrics))
    head = (
        "system, variant",
        "published: training, validation, test",
        "here: training, validation, test",
        "epochs",
        "command",
        "which form",
    )
    return table(head, rows)


def done_row(of, name, variant, folder, published, metrics) -> tuple[str, ...]:
    """The row of one kept run."""
    epochs = of.RECIPE.presets[variant].epochs
    shorter = folder.endswith("-short")
    return (
        f"{name}, {variant}{', a shorter run' * shorter}",
        published_numbers(published),
        accuracies(metrics, name, folder, published),
        f"{metrics['epochs']} of {epochs}" if shorter else str(metrics["epochs"]),
        f"`{present_command(metrics)}`",
        published.get("form", of.FORM),
    )


def planned() -> str:
    """One row for each variant whose published training has not been run here."""
    rows = []
    for name in SYSTEMS:
        of = system(name)
        for variant, published in of.PUBLISHED.items():
            if measured(name, variant):
                continue
            command = f"`keras-vit study {name} --variant {variant}`"
            epochs = "–"
            if "blocked" in published:
                command = published["blocked"]
            else:
                epochs = str(of.RECIPE.presets[variant].epochs)
            form = published.get("form", of.FORM)
            rows.append((f"{name}, {variant}", published_numbers(published), epochs, command, form))
    head = (
        "system, variant",
        "published: training, validation, test",
        "epochs",
        "command",
        "which form",
    )
    return table(head, rows)


def curve() -> str:
    """KunViT's test accuracy every tenth epoch: as published, and of each run on CIFAR-10."""
    of = system("kun_vit")
    last = of.RECIPE.presets["cifar10"].epochs
    every = last // len(of.CURVE)
    epochs = range(every, last + 1, every)
    rows = [("published", *(f"{accuracy:.2f}" for accuracy in of.CURVE))]
    for variant in ("cifar10", "eight-heads"):
        cells = ["not yet run"] + ["–"] * (len(epochs) - 1)
        if measured("kun_vit", variant):
            history = read_history("kun_vit", variant)
            cells = [f"{100 * float(history[epoch - 1]['val_accuracy']):.2f}" for epoch in epochs]
        rows.append((variant, *cells))
    return table(("KunViT after epoch", *map(str, epochs)), rows)


def published_numbers(published: dict) -> str:
    """Published accuracies in percent, with the decimals that were published."""
    return ", ".join(published.get(part, "–") for part in ("train", "validation", "test"))


def measured(name: str, folder: str) -> dict | None:
    """The `metrics.json` of a run that was kept; None without one."""
    path = f"reproductions/{name}/{folder}/metrics.json"
    return read(path) if (RESULTS / path).exists() else None


def accuracies(metrics: dict, name: str, folder: str, published: dict) -> str:
    """A run's accuracies in percent, with the published decimals, the last a link to its file."""
    history = read_history(name, folder)[metrics.get("best_epoch", 0) - 1]
    validated = read(f"reproductions/{name}/{folder}/config.json")["preset"]["validation_images"]
    decimals = len(published.get("test", "").partition(".")[2]) or 2

    def percent(share):
        return f"{100 * float(share):.{decimals}f}"

    validation = percent(history["val_accuracy"]) if validated else "–"
    test = link(f"reproductions/{name}/{folder}/metrics.json", percent(metrics["test_accuracy"]))
    return f"{percent(history['accuracy'])}, {validation}, {test}"


def read_history(name: str, folder: str) -> list[dict[str, str]]:
    """The rows of a kept run's `history.csv`."""
    with open(RESULTS / "reproductions" / name / folder / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


TABLES = {"systems": done, "systems-planned": planned, "kunvit-curve": curve}
