"""Files that appear whole or not at all, and are gone when they are said to be."""

import contextlib
import json
import os
import shutil
from pathlib import Path


@contextlib.contextmanager
def whole_file(path):
    """Gives a path to write to; that file takes the place of `path` when the block ends well.

    It is on the disk by then, and so is its name: after a power cut too, `path` is the old file
    or the new one.

    Raises:
        OSError: naming `path`, for a full disk among others; what was at `path` stays.
    """
    path = Path(path)
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        sync(draft)
        os.replace(draft, path)
        if os.name == "posix":  # elsewhere a folder can't be opened
            sync(path.parent)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def remove(path):
    """Takes out a file, or a folder with all in it, or of a link the link; there may be nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path):
    """Waits until a file's bytes, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path, values):
    with whole_file(path) as draft:
        draft.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n")


def read_json(path):
    """What a JSON file holds; a ValueError that names one that is damaged."""
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} can't be read: {error}") from error
