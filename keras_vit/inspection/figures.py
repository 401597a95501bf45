"""Figures that need no display."""

from keras_vit.files import whole_file


def new_figure(width, height):
    """A matplotlib figure of that size in inches, apart from pyplot's global state."""
    from matplotlib.figure import Figure  # slow to import, and only pictures need it

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure, path):
    with whole_file(path) as draft:
        figure.savefig(draft, dpi=120)
