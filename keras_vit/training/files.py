"""Files that appear whole or not at all."""

import contextlib
import json
import os
from pathlib import Path


@contextlib.contextmanager
def write_whole(path, mode="w", **kwargs):
    """Opens a file beside `path` that takes its place when the block ends well."""
    path = Path(path)
    draft = path.with_name(f".{path.name}.draft{path.suffix}")
    try:
        with open(draft, mode, **kwargs) as file:
            yield file
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path, values):
    with write_whole(path) as file:
        json.dump(values, file, indent=2)
        file.write("\n")


def read_json(path):
    return json.loads(Path(path).read_text())


def save_model(model, path):
    """Saves a `.keras` file, whole or not at all."""
    path = Path(path)
    draft = path.with_name(f".draft-{path.name}")
    try:
        model.save(draft)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
