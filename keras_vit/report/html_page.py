"""A page that needs no other file and no network."""

import base64
import html
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
    """A drawn picture.

    Attributes:
        title: its heading.
        caption: how to read it.
        path: of its PNG file.
    """

    title: str
    caption: str
    path: Path


def write_page(path, title, numbers, pictures, left_out=()):
    """Writes numbers and pictures as one HTML file, whole or not at all.

    Args:
        path: of the HTML file.
        title: its heading.
        numbers: dict from what was counted or measured to its value, the table's rows.
        pictures: sequence of `Picture`, embedded in this order.
        left_out: sequence of str, what does not apply, a line for each reason.
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


def section(picture):
    title, caption = html.escape(picture.title), html.escape(picture.caption)
    data = base64.b64encode(Path(picture.path).read_bytes()).decode()
    return (
        f"<h2>{title}</h2>\n<p>{caption}</p>\n"
        f'<img alt="{title}" src="data:image/png;base64,{data}">'
    )
