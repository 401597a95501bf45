"""Arrays in a file, and a note with their checksum in a second file beside it."""

import errno
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vit.files import read_json, whole_file, write_json


class Damaged(ValueError):
    """The error for a file whose content is not what was written, or which has no note."""


def save_arrays(path: Path, arrays: Sequence[np.ndarray], **facts) -> None:
    """Write arrays, read them back, and only then write the note that makes the file valid.

    The format is NumPy's and not HDF5, because h5py 3.16 ends the process when the disk is full.

    Args:
        path: Path, the file. The note stands beside it and is named `*.json`.
        arrays: sequence of arrays, which the file holds in this order.
        **facts: further values for the note, which JSON can hold.

    Raises:
        OSError: if the file can't be written, or if the disk returns other bytes; the error names
            the file.
    """
    with whole_file(path) as draft, open(draft, "wb") as file:
        hashed = Hashed(file)
        for array in arrays:
            np.save(hashed, array, allow_pickle=False)
    if checksum(path) != hashed.sha256.hexdigest():
        raise OSError(errno.EIO, "the disk returns other bytes than were written", str(path))
    facts = {**facts, "arrays": len(arrays), "sha256": hashed.sha256.hexdigest()}
    write_json(note_of(path), facts)


def load_arrays(path: Path) -> tuple[list[np.ndarray], dict]:
    """Read the arrays and the note of a file.

    Args:
        path: Path, the file.

    Returns:
        The list of arrays, and the dict of the note.

    Raises:
        Damaged: if the content of the file is not what was written, or if there is no note; the
            error names the file.
    """
    try:
        note = read_json(note_of(path))
        if checksum(path) != note["sha256"]:
            raise Damaged(f"{path} is damaged: its checksum is not the one in {note_of(path).name}")
        with open(path, "rb") as file:
            return [np.load(file, allow_pickle=False) for _ in range(note["arrays"])], note
    except FileNotFoundError as error:
        raise Damaged(f"{error.filename} is missing, so {path} is not valid") from error
    except (OSError, KeyError, TypeError) as error:
        raise Damaged(f"{path} can't be read: {error}") from error
    except Damaged:
        raise
    except ValueError as error:
        raise Damaged(str(error)) from error


def remove_arrays(path: Path) -> None:
    """Delete a file and its note, the note first, because a file without a note is not valid."""
    note_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def note_of(path: Path) -> Path:
    """Return the path of the note of a file."""
    return path.with_suffix(".json")


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Hashed:
    """A writable file that computes the SHA-256 of what is written to it.

    Args:
        file: binary file, open for writing.
    """

    def __init__(self, file) -> None:
        self.file = file
        self.sha256 = hashlib.sha256()

    def write(self, data):
        self.sha256.update(data)
        return self.file.write(data)
