"""Figures that need no display and appear whole or not at all."""

import os
from pathlib import Path


def new_figure(width, height):
    """A matplotlib figure of that size in inches, apart from pyplot's global state."""
    from matplotlib.figure import Figure  # slow to import, and only pictures need it

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure, path, dpi=120):
    path = Path(path)
    draft = path.with_name(f".draft-{path.name}")
    try:
        figure.savefig(draft, dpi=dpi)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
