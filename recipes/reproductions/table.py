"""Write the table of results/README.md, which compares published numbers with our measurements.

    python recipes/reproductions/table.py                                       write the table
    python recipes/reproductions/table.py --keep saved_models/STUDY/VARIANT     keep a run first

The table has a row for each entry of PUBLISHED in the files of keras_vit/reproductions. The
measurements come from `results/reproductions/STUDY/VARIANT/metrics.json`, or from the folder
`VARIANT-short` for a shorter run. Below the table stands KunViT's published curve, with our curves
where they were run. `--keep` copies the small files of a finished run into that folder.
"""

import argparse
import dataclasses
import importlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from keras_vit.commands.study import STUDIES
from keras_vit.files import whole_file
from keras_vit.runs import Preset, Recipe
from keras_vit.runs.history import read_history

RESULTS = Path(__file__).parents[2] / "results"
KEPT = (
    "config.json",
    "history.csv",
    "curves.png",
    "confusion.png",
    "attention.png",
    "metrics.json",
)
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAD = (
    "| system, variant | published: training, validation, test | ours | a shorter run here | "
    "epochs | command | machine | which form |\n|---|---|---|---|---|---|---|---|"
)
# The fields of a preset that do not change what it trains.
IGNORED_FIELDS = ("summary", "expect", "remat", "steps_per_execution", "checkpoint_epochs")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="RUN",
        action="append",
        default=[],
        help="the folder of a finished run to copy into results/ first",
    )
    flags = parser.parse_args()
    try:
        for run in flags.keep:
            print(f"table.py: kept in {keep(run)}")
        write_table()
    except (OSError, KeyError, ValueError) as error:
        parser.exit(2, f"table.py: error: {type(error).__name__}: {error}\n")


def load_study(name: str) -> ModuleType:
    """Import the module of a published system, with its RECIPE, PUBLISHED and FORM."""
    return importlib.import_module(f"keras_vit.reproductions.{name}")


def keep(run: Path) -> Path:
    """Copy the small files of a finished run to the folder from which the table is filled.

    Args:
        run: path, the folder of a finished run of a study.

    Returns:
        The folder of the copies.

    Raises:
        ValueError: if the run is not of a study.
        OSError: if the run is not finished.
    """
    config = json.loads((run / "config.json").read_text())
    json.loads((run / "metrics.json").read_text())  # Only a finished run has this file.
    if config["recipe"] not in STUDIES:
        raise ValueError(
            f"--keep must name a run of {', '.join(STUDIES)}. "
            f"Received: {run}, a run of {config['recipe']}"
        )
    recipe = load_study(config["recipe"]).RECIPE
    asked, done = recipe.presets[config["preset_name"]], Preset(**config["preset"])
    same = trained(done) == trained(asked)
    # The data may be a data set's name, or the path of a file with that name.
    data = Path(config["data"]).stem == (asked.data or recipe.data)
    whole = same and data and config["limit"] is None and config["image_size"] is None
    folder = config["preset_name"] + ("" if whole else "-short")
    target = RESULTS / "reproductions" / config["recipe"] / folder
    target.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (run / name).exists():
            with whole_file(target / name) as draft:
                shutil.copyfile(run / name, draft)
    return target


def trained(preset: Preset) -> dict:
    """Return the fields that change what a preset trains, as JSON has them, without tuples."""
    values = dataclasses.asdict(preset)
    return json.loads(
        json.dumps({key: v for key, v in values.items() if key not in IGNORED_FIELDS})
    )


def write_table() -> None:
    """Replace the table and the curve in results/README.md."""
    page = RESULTS / "README.md"
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    with whole_file(page) as draft:
        draft.write_text(f"{before}{BEGIN}\n{table()}\n\n{curve()}\n{END}{after}")


def table() -> str:
    """Return the table of all studies as Markdown."""
    lines = [HEAD]
    for name in STUDIES:
        study = load_study(name)
        for variant, published in study.PUBLISHED.items():
            line = row(study.RECIPE, name, variant, published)
            lines.append(f"{line} {published.get('form', study.FORM)} |")
    return "\n".join(lines)


def curve() -> str:
    """Return KunViT's test accuracy by epoch as Markdown: the published one and our runs'."""
    study = load_study("kun_vit")
    last = study.RECIPE.presets["cifar10"].epochs
    every = last // len(study.CURVE)
    epochs = range(every, last + 1, every)
    lines = [
        ["KunViT after epoch", *map(str, epochs)],
        ["---"] * (1 + len(epochs)),
        ["published", *(f"{accuracy:.2f}" for accuracy in study.CURVE)],
    ]
    for variant in ("cifar10", "eight-heads"):
        cells = ["not yet run"] + ["–"] * (len(epochs) - 1)
        if measured("kun_vit", variant):
            history = read_history(RESULTS / "reproductions" / "kun_vit" / variant / "history.csv")
            cells = [f"{100 * float(history[epoch - 1]['val_accuracy']):.2f}" for epoch in epochs]
        lines.append([variant, *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def row(recipe: Recipe, study: str, variant: str, published: Mapping[str, str]) -> str:
    """Return one line of the table, without its last cell.

    Args:
        recipe: `Recipe` of the study.
        study: str, name of the study.
        variant: str, name of the variant.
        published: mapping, the variant's entry of PUBLISHED.
    """
    numbers = ", ".join(published.get(part, "–") for part in ("train", "validation", "test"))
    script = f"recipes/reproductions/{study}.py"
    title = f"[{study}](../{script}), {variant}"
    if "blocked" in published:
        return f"| {title} | {numbers} | blocked: {published['blocked']} | – | – | – | – |"
    full, short = (measured(study, name) for name in (variant, f"{variant}-short"))
    shown = full or short or {}
    epochs = recipe.presets[variant].epochs
    if not full:
        epochs = f"{shown['epochs']} of {epochs}" if short else epochs
    command = shown.get("command", f"python {script} --variant {variant}")
    return (
        f"| {title} | {numbers} | {accuracy(full, study, variant, published)} | "
        f"{accuracy(short, study, f'{variant}-short', published, '–')} | {epochs} | "
        f"`{command}` | {shown.get('device', '–')} |"
    )


def measured(study: str, name: str) -> dict | None:
    """Return the metrics of a kept run, or None where no run is kept."""
    path = RESULTS / "reproductions" / study / name / "metrics.json"
    return json.loads(path.read_text()) if path.exists() else None


def accuracy(
    metrics: dict | None,
    study: str,
    name: str,
    published: Mapping[str, str],
    missing: str = "not yet run",
) -> str:
    """Return a run's accuracies in percent, with as many decimals as the published ones.

    Args:
        metrics: dict or None, the metrics of the run.
        study: str, name of the study.
        name: str, name of the run's folder.
        published: mapping, the variant's entry of PUBLISHED.
        missing: str, the text where there is no run. Default: "not yet run".
    """
    if metrics is None:
        return missing
    folder = f"reproductions/{study}/{name}"
    history = read_history(RESULTS / folder / "history.csv")[metrics.get("best_epoch", 0) - 1]
    validated = json.loads((RESULTS / folder / "config.json").read_text())["preset"]
    decimals = len(published.get("test", "").partition(".")[2]) or 2

    def percent(share):
        return f"{100 * float(share):.{decimals}f}"

    train = percent(history["accuracy"])
    validation = percent(history["val_accuracy"]) if validated["validation_images"] else "–"
    return f"{train}, {validation}, [{percent(metrics['test_accuracy'])}]({folder}/metrics.json)"


if __name__ == "__main__":
    main()
