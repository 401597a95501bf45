"""An HTML page with embedded pictures, which needs no other file and no network."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from keras_vit.files import whole_file

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2.5rem; } p { max-width: 44rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .3rem 1.5rem .3rem .3rem; }
th { font-weight: 600; } td { overflow-wrap: anywhere; }
tr { border-bottom: 1px solid var(--line); }
img { max-width: 100%; background: #fff; border: 1px solid var(--line); border-radius: .4rem; }
ul.left-out { background: var(--soft); border-radius: .4rem; padding: .8rem 2rem; }
"""


class Picture(NamedTuple):
    """A picture for the page.

    Args:
        title: str, the heading above the picture.
        caption: str, the text that says how to read the picture.
        path: Path, the PNG file.
    """

    title: str
    caption: str
    path: Path


def write_page(
    path: Path,
    title: str,
    numbers: Mapping,
    pictures: Sequence[Picture],
    left_out: Sequence[str] = (),
) -> None:
    """Write numbers and pictures to one HTML file, whole or not at all.

    Args:
        path: Path, the HTML file.
        title: str, the heading of the page.
        numbers: dict from the name of a quantity to its value, the rows of the table.
        pictures: sequence of `Picture`, in the order of the page.
        left_out: sequence of str, one line for each reason why pictures are missing. Default: ().
    """
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(str(key))}</th><td>{html.escape(str(value))}</td></tr>'
        for key, value in numbers.items()
    )
    parts = [f"<h1>{html.escape(title)}</h1>", f"<h2>Numbers</h2>\n<table>\n{rows}\n</table>"]
    parts += [section(picture) for picture in pictures]
    if left_out:
        lines = "\n".join(f"<li>{html.escape(line)}</li>" for line in left_out)
        parts.append(f'<h2>Left out</h2>\n<ul class="left-out">\n{lines}\n</ul>')
    body = "\n".join(parts)
    with whole_file(path) as draft:
        draft.write_text(
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
            f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n",
            encoding="utf-8",
        )


def section(picture: Picture) -> str:
    """Return the HTML of one picture with its heading and caption."""
    title, caption = html.escape(picture.title), html.escape(picture.caption)
    data = base64.b64encode(Path(picture.path).read_bytes()).decode()
    return (
        f"<h2>{title}</h2>\n<p>{caption}</p>\n"
        f'<img alt="{title}" src="data:image/png;base64,{data}">'
    )
