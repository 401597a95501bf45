"""Write files that appear whole or not at all, and remove them for good."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a draft to write to; the draft replaces `path` when the block ends without an error.

    By then the bytes and the name are on the disk: after a power cut, `path` is either the old
    file or the new one.

    Args:
        path: str or path, the file to write.

    Yields:
        The path of the draft, a file beside `path`.

    Raises:
        OSError: naming `path`, for a full disk among others. What was at `path` stays.
    """
    path = Path(path)
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        sync(draft)
        os.replace(draft, path)
        if os.name == "posix":  # Other systems cannot open a folder.
            sync(path.parent)
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file, or a folder with its content; of a link, the link alone; or nothing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until the bytes of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: str | os.PathLike, values: object) -> None:
    """Write values as JSON, whole or not at all. NaN and infinity are refused with a ValueError."""
    with whole_file(path) as draft:
        draft.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n")


def read_json(path: str | os.PathLike) -> object:
    """Read a JSON file; a damaged file raises a ValueError that names it."""
    try:
        return json.loads(Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} can't be read: {error}") from error
