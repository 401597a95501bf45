"""A picture of loss, accuracy and learning rate over the epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_vit.report.figures import new_figure, save_figure

TITLES = {"loss": "Loss", "accuracy": "Accuracy"}


def curves_picture(
    history: Sequence[Mapping],
    path: Path,
    validation: str = "test",
    loss_name: str = "cross-entropy",
) -> None:
    """Draw the curves of a run.

    Args:
        history: sequence of dicts, the rows of `history.csv`. Each has `epoch`, `loss`,
            `learning_rate` and for a classifier `accuracy`, and in the epochs with a test also
            `val_loss` and `val_accuracy`.
        path: Path, the PNG file.
        validation: str, name of the images of the columns `val_...`. Default: "test".
        loss_name: str, name of the loss. Default: "cross-entropy".
    """
    curves = [("loss", 1, loss_name), ("accuracy", 100, "accuracy in %")]
    curves = [curve for curve in curves if curve[0] in history[0]]
    figure = new_figure(4.5 * len(curves), 3.4)
    panels = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, (name, scale, label) in zip(panels, curves, strict=True):
        for prefix, what, style in (("", "training", "-"), ("val_", validation, "o--")):
            points = [
                (int(row["epoch"]), scale * float(row[prefix + name]))
                for row in history
                if row.get(prefix + name) not in (None, "")
            ]
            if points:
                style = style if len(points) > 1 else "o"  # A line needs two points.
                axes.plot(*zip(*points, strict=True), style, markersize=3, label=what)
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(alpha=0.3)
        epochs = [int(row["epoch"]) for row in history]
        # With the limits of one epoch, matplotlib would write 0.96, 0.98 and so on below the axis.
        axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
        axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        axes.legend(loc="best")
        axes.set_title(TITLES[name])
    rate = panels[0].twinx()
    rate.plot(
        [int(row["epoch"]) for row in history],
        [float(row["learning_rate"]) for row in history],
        color="0.6",
        linestyle=":",
        marker="." if len(history) == 1 else None,  # A line needs two points.
    )
    rate.set_ylabel("learning rate (dotted)", color="0.4")
    # Each tick has its own exponent. A common exponent would stand above the axis, in the title.
    rate.yaxis.set_major_formatter("{x:g}")
    save_figure(figure, path)
