"""Loss, accuracy and learning rate over the epochs."""

from keras_vit.report.figures import new_figure, save_figure

TITLES = {"loss": "Loss (in training: of augmented images)", "accuracy": "Accuracy"}


def curves_picture(history, path, validation="test", loss_name="cross-entropy"):
    """Draws a run's curves.

    Args:
        history: rows of `history.csv`, dicts of str or numbers with `epoch`, `loss`,
            `learning_rate` and, of a classifier, `accuracy`; in the epochs that tested also
            `val_loss` and `val_accuracy`.
        path: of the PNG file.
        validation: name of the images that the columns `val_...` are of.
        loss_name: what the loss is.
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
                style = style if len(points) > 1 else "o"  # a line needs two
                axes.plot(*zip(*points, strict=True), style, markersize=3, label=what)
        axes.set(xlabel="epoch", ylabel=label)
        axes.grid(alpha=0.3)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="best")
        axes.set_title(TITLES[name])
    rate = panels[0].twinx()
    rate.plot(
        [int(row["epoch"]) for row in history],
        [float(row["learning_rate"]) for row in history],
        color="0.6",
        linestyle=":",
    )
    rate.set_ylabel("learning rate (dotted)", color="0.4")
    save_figure(figure, path)
