"""Files that appear whole or not at all."""

import contextlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def whole_file(path):
    """Gives a path to write to; that file takes the place of `path` when the block ends well."""
    path = Path(path)
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path, values):
    with whole_file(path) as draft:
        draft.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n")


def read_json(path):
    """What a JSON file holds; a ValueError that names one that is damaged."""
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} can't be read: {error}") from error
