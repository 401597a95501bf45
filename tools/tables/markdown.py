"""What every table needs: JSON files of results/, rows of Markdown, figures."""

import json
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "results"


def read(path: str) -> dict:
    """The content of a JSON file below results/."""
    return json.loads((RESULTS / path).read_text())


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in lines)


def link(path: str, text: str | None = None) -> str:
    """A link to a file below results/, which `results_table.linked` makes relative."""
    return f"[{text or path}](@/results/{path})"


def percent(share: float, decimals: int = 2) -> str:
    """A share as a percentage."""
    return f"{100 * share:.{decimals}f} %"


def in_figures(speed: float) -> str:
    """A speed with two figures or, from 20 on, without decimals."""
    return f"{speed:.{0 if speed >= 20 else 1}f}"


def span(low: float, high: float, decimals: int = 1) -> str:
    """A range from a to b, each with its sign."""
    return f"{low:+.{decimals}f} to {high:+.{decimals}f}"
