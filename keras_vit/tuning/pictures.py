"""The three pictures of a search, drawn from the rows of its table."""

import os

import numpy as np

from keras_vit.report.figures import new_figure, save_figure
from keras_vit.tuning.space import RANGES
from keras_vit.tuning.table import RESULTS, format_value

# The white ground under the texts, so that lines behind a text do not hide it.
TEXT_BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8}


def completed(rows: list[dict]) -> list[dict]:
    """Return the rows of the trials that came to a result."""
    return [row for row in rows if row["val_accuracy"] is not None]


def searched(rows: list[dict]) -> list[str]:
    """Return the names of the hyperparameters that took more than one value."""
    names = [name for name in rows[0] if name not in RESULTS and "/" not in name]
    return [name for name in names if len({row.get(name) for row in rows}) > 1]


def pareto_front(rows: list[dict]) -> list[dict]:
    """Select the trials that are more accurate than every trial with no more parameters.

    Args:
        rows: list of dicts, as `trial_rows` gives them, all with a result.

    Returns:
        List of the selected rows, by rising number of parameters.
    """
    front = []
    for row in sorted(rows, key=lambda row: (row["parameters"], -row["val_accuracy"])):
        if not front or row["val_accuracy"] > front[-1]["val_accuracy"]:
            front.append(row)
    return front


def pareto_picture(
    rows: list[dict], path: str | os.PathLike, max_parameters: int | None = None
) -> None:
    """Draw the accuracy of each trial against its parameters, with the Pareto front.

    Args:
        rows: list of dicts, as `trial_rows` gives them.
        path: str or path, the PNG file to write.
        max_parameters: int or None, the budget, which is drawn as a line. None: no line. Default:
            None.
    """
    rows = completed(rows)
    figure = new_figure(7, 4.2)
    axes = figure.subplots()
    points = [(row["parameters"], 100 * row["val_accuracy"]) for row in rows]
    axes.scatter(*zip(*points, strict=True), color="0.55", label="trials")
    front = pareto_front(rows)
    axes.plot(
        [row["parameters"] for row in front],
        [100 * row["val_accuracy"] for row in front],
        "o-",
        drawstyle="steps-post",
        label="Pareto front",
    )
    for row in front:
        axes.annotate(
            row["trial"],
            (row["parameters"], 100 * row["val_accuracy"]),
            (-4, 4),
            textcoords="offset points",
            ha="right",
            fontsize=8,
        )
    if max_parameters is not None:
        axes.axvline(max_parameters, color="0.3", linestyle=":", label="budget")
    axes.set(
        xscale="log", xlabel="parameters", ylabel="validation accuracy in %", title="Trials by size"
    )
    axes.grid(alpha=0.3, which="both")
    axes.legend(loc="best")
    save_figure(figure, path)


def parallel_picture(rows: list[dict], path: str | os.PathLike) -> None:
    """Draw each trial as a line across the hyperparameters, coloured by its accuracy.

    Args:
        rows: list of dicts, as `trial_rows` gives them.
        path: str or path, the PNG file to write.
    """
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    rows = completed(rows)
    names = searched(rows)
    accuracies = [100 * row["val_accuracy"] for row in rows]
    scale = Normalize(min(accuracies), max(accuracies) + 1e-9)
    figure = new_figure(max(6, 1.1 * (len(names) + 1)), 5.5)
    axes = figure.subplots()
    heights = {name: places(rows, name) for name in names}
    heights["val_accuracy"] = [scale(accuracy) for accuracy in accuracies], []
    for i in np.argsort(accuracies):  # The best trial is drawn last, on top of the others.
        line = [heights[name][0][i] for name in heights]
        axes.plot(line, color=colormaps["viridis"](scale(accuracies[i])), linewidth=1.5, alpha=0.85)
    for x, (_, ticks) in enumerate(heights.values()):
        axes.axvline(x, color="0.75", linewidth=0.8, zorder=0)
        for height, text in ticks:
            axes.text(
                x, height, text, fontsize=8, ha="center", va="center", bbox=TEXT_BOX, zorder=3
            )
    axes.set_xticks(range(len(heights)), [n.replace("_", "\n") for n in heights], fontsize=8)
    axes.set(yticks=[], xlim=(-0.6, len(heights) - 0.4), ylim=(-0.06, 1.06))
    axes.set_title("The values of every trial and its accuracy")
    figure.colorbar(
        ScalarMappable(scale, "viridis"), ax=axes, label="validation accuracy in %", pad=0.02
    )
    save_figure(figure, path)


def effects_picture(rows: list[dict], path: str | os.PathLike) -> None:
    """Draw the accuracy against each hyperparameter, with the mean of each value.

    Args:
        rows: list of dicts, as `trial_rows` gives them.
        path: str or path, the PNG file to write.
    """
    rows = completed(rows)
    names = searched(rows)
    columns = 4
    lines = max(1, -(-len(names) // columns))
    figure = new_figure(3 * columns, 2.3 * lines)
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    accuracies = np.array([100 * row["val_accuracy"] for row in rows])
    for axes, name in zip(panels, names, strict=False):
        if name in RANGES:
            axes.scatter([row[name] for row in rows], accuracies, s=14, color="0.55")
            axes.set_xscale("log")
            ticks = np.geomspace(*np.sort([row[name] for row in rows])[[0, -1]], 3)
            axes.minorticks_off()
            axes.set_xticks(ticks, [f"{tick:.1g}" for tick in ticks], fontsize=8)
        else:
            values = np.array([format_value(row.get(name)) for row in rows])
            labels = [text for _, text in places(rows, name)[1]]
            for x, label in enumerate(labels):
                with_value = accuracies[values == label]
                axes.scatter([x] * len(with_value), with_value, s=14, color="0.55")
                axes.plot([x - 0.3, x + 0.3], [with_value.mean()] * 2, color="C0", linewidth=2)
            axes.set_xticks(range(len(labels)), labels, fontsize=8)
            axes.set_xlim(-0.6, len(labels) - 0.4)
        axes.set_title(name, fontsize=9)
        axes.grid(alpha=0.3, axis="y")
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    figure.supylabel("validation accuracy in %", fontsize=9)
    figure.suptitle(
        "Each point is a trial; a bar is the mean of the trials with that value, "
        "whose other values differ too",
        fontsize=10,
    )
    save_figure(figure, path)


def places(rows: list[dict], name: str) -> tuple[list[float], list[tuple[float, str]]]:
    """Place the values of one hyperparameter on an axis from 0 to 1.

    Args:
        rows: list of dicts, as `trial_rows` gives them.
        name: str, the hyperparameter.

    Returns:
        A tuple of the height of each row's value and the axis's labels, (height, text) each.
    """
    values = [row.get(name) for row in rows]
    if name in RANGES:
        logs = np.log(values)
        least, most = logs.min(), logs.max()
        heights = (logs - least) / max(most - least, 1e-12)
        return list(heights), [(0, f"{np.exp(least):.1g}"), (1, f"{np.exp(most):.1g}")]
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    height = {value: i / max(1, len(distinct) - 1) for i, value in enumerate(distinct)}
    return [height[v] for v in values], [(h, format_value(value)) for value, h in height.items()]
