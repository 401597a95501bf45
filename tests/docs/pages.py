"""The documents that the tests of this folder read."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
GUIDES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "results" / "README.md",
    ROOT / "saved_models" / "README.md",
    *DOCS,
]
FENCE = re.compile(r"(<!-- run -->\n)?```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def name(page):
    """A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def fences(page, language):
    """The code of a page in a language, each with whether the page marks it to be run."""
    found = FENCE.finditer(page.read_text())
    return [(match[3], bool(match[1])) for match in found if match[2] == language]


def prose(page):
    """The text of a page without its fenced code."""
    return FENCE.sub("", page.read_text())
