"""Writes results/README.md anew: every published number beside what was measured here.

    python recipes/reproductions/table.py

A row for each number that a study's file names in PUBLISHED, filled from
`results/reproductions/STUDY/VARIANT/metrics.json`; a shorter run's files are in `VARIANT-short`.
Under it KunViT's published curve, and ours where it was run.
To keep a run: `python recipes/reproductions/table.py --keep saved_models/STUDY/VARIANT` copies its
small files there first.
"""

import argparse
import dataclasses
import json
import runpy
import shutil
from pathlib import Path

from keras_vit.files import whole_file
from keras_vit.runs import Preset
from keras_vit.runs.history import read_history

HERE = Path(__file__).parent
RESULTS = HERE.parents[1] / "results"
KEPT = (
    "config.json",
    "history.csv",
    "curves.png",
    "confusion.png",
    "attention.png",
    "metrics.json",
)
STUDIES = ("visual_attention", "position_study", "hybrid_study", "kun_vit", "flat_image")
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAD = (
    "| system, variant | published: training, validation, test | ours | a shorter run here | "
    "epochs | command | machine | which form |\n|---|---|---|---|---|---|---|---|"
)
# What a preset may have otherwise and train the same.
ASIDE = ("summary", "expect", "remat", "steps_per_execution", "checkpoint_epochs")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", type=Path, metavar="RUN", action="append", default=[])
    flags = parser.parse_args()
    try:
        for run in flags.keep:
            print(f"table.py: kept in {keep(run)}")
        write_table()
    except (OSError, KeyError, ValueError) as error:
        parser.exit(2, f"table.py: error: {type(error).__name__}: {error}\n")


def keep(run):
    """Copies a finished run's small files to where the table looks for them."""
    config = json.loads((run / "config.json").read_text())
    json.loads((run / "metrics.json").read_text())  # a run that is not finished is refused
    if config["recipe"] not in STUDIES:
        raise ValueError(f"{run} is no run of {', '.join(STUDIES)}")
    recipe = runpy.run_path(str(HERE / f"{config['recipe']}.py"))["RECIPE"]
    asked, done = recipe.presets[config["preset_name"]], Preset(**config["preset"])
    same = trained(done) == trained(asked)
    data = Path(config["data"]).stem == (asked.data or recipe.data)  # a name, or a copy's file
    whole = same and data and config["limit"] is None and config["image_size"] is None
    folder = config["preset_name"] + ("" if whole else "-short")
    target = RESULTS / "reproductions" / config["recipe"] / folder
    target.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (run / name).exists():
            with whole_file(target / name) as draft:
                shutil.copyfile(run / name, draft)
    return target


def trained(preset):
    """What a preset trains, as a JSON file has it: lists and tuples are the same there."""
    values = dataclasses.asdict(preset)
    return json.loads(json.dumps({key: v for key, v in values.items() if key not in ASIDE}))


def write_table():
    page = RESULTS / "README.md"
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    with whole_file(page) as draft:
        draft.write_text(f"{before}{BEGIN}\n{table()}\n\n{curve()}\n{END}{after}")


def table():
    lines = [HEAD]
    for study in STUDIES:
        recipe = runpy.run_path(str(HERE / f"{study}.py"))
        for variant, published in recipe["PUBLISHED"].items():
            line = row(recipe["RECIPE"], study, variant, published)
            lines.append(f"{line} {published.get('form', recipe['FORM'])} |")
    return "\n".join(lines)


def curve():
    """KunViT's test accuracy every tenth epoch: as published, and of each run on CIFAR-10."""
    recipe = runpy.run_path(str(HERE / "kun_vit.py"))
    last = recipe["RECIPE"].presets["cifar10"].epochs
    every = last // len(recipe["CURVE"])
    epochs = range(every, last + 1, every)
    lines = [
        ["KunViT after epoch", *map(str, epochs)],
        ["---"] * (1 + len(epochs)),
        ["published", *(f"{accuracy:.2f}" for accuracy in recipe["CURVE"])],
    ]
    for variant in ("cifar10", "eight-heads"):
        cells = ["not yet run"] + ["–"] * (len(epochs) - 1)
        if measured("kun_vit", variant):
            history = read_history(RESULTS / "reproductions" / "kun_vit" / variant / "history.csv")
            cells = [f"{100 * float(history[epoch - 1]['val_accuracy']):.2f}" for epoch in epochs]
        lines.append([variant, *cells])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def row(recipe, study, variant, published):
    """One line of the table."""
    numbers = ", ".join(published.get(part, "–") for part in ("train", "validation", "test"))
    title = f"[{study}](../{recipe.script}), {variant}"
    if "blocked" in published:
        return f"| {title} | {numbers} | blocked: {published['blocked']} | – | – | – | – |"
    full, short = (measured(study, name) for name in (variant, f"{variant}-short"))
    shown = full or short or {}
    epochs = recipe.presets[variant].epochs
    if not full:
        epochs = f"{shown['epochs']} of {epochs}" if short else epochs
    command = shown.get("command", f"python {recipe.script} --variant {variant}")
    return (
        f"| {title} | {numbers} | {accuracy(full, study, variant, published)} | "
        f"{accuracy(short, study, f'{variant}-short', published, '–')} | {epochs} | "
        f"`{command}` | {shown.get('device', '–')} |"
    )


def measured(study, name):
    """The `metrics.json` of a run that was kept; None without one."""
    path = RESULTS / "reproductions" / study / name / "metrics.json"
    return json.loads(path.read_text()) if path.exists() else None


def accuracy(metrics, study, name, published, missing="not yet run"):
    """A run's accuracies in percent, with the published decimals, the last a link to its file."""
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
