"""Loss, accuracy and learning rate over the epochs."""

from keras_vit.inspection.figures import new_figure, save_figure


def curves_picture(history, path, validation="test"):
    """Draws a run's curves.

    Args:
        history: rows of `history.csv`, dicts of str or numbers with `epoch`, `loss`,
            `accuracy`, `learning_rate` and, in the epochs that tested, `val_loss` and
            `val_accuracy`.
        path: of the PNG file.
        validation: name of the images that the columns `val_...` are of.
    """
    figure = new_figure(9, 3.4)
    loss, accuracy = figure.subplots(1, 2)
    for axes, name, scale, label in (
        (loss, "loss", 1, "cross-entropy"),
        (accuracy, "accuracy", 100, "accuracy in %"),
    ):
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
    rate = loss.twinx()
    rate.plot(
        [int(row["epoch"]) for row in history],
        [float(row["learning_rate"]) for row in history],
        color="0.6",
        linestyle=":",
    )
    rate.set_ylabel("learning rate (dotted)", color="0.4")
    loss.set_title("Loss (in training: augmented and mixed)")
    accuracy.set_title("Accuracy")
    save_figure(figure, path)
