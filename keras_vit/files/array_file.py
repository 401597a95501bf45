"""Arrays in a file, with their checksum in another one beside it."""

import errno
import hashlib

import numpy as np

from keras_vit.files import read_json, whole_file, write_json


class Damaged(ValueError):
    """A file that is not as it was written."""


def save_arrays(path, arrays, **facts):
    """Writes arrays and reads them back; only then the note that makes the file count.

    Plain numpy, not HDF5: on a full disk h5py 3.16 takes the process down with it.

    Args:
        path: of the file. The note is beside it, named `*.json`.
        arrays: numpy arrays, one after the other in the file.
        **facts: what else the note is to hold.

    Raises:
        OSError: naming the file, where it can't be written or read back.
    """
    with whole_file(path) as draft, open(draft, "wb") as file:
        hashed = Hashed(file)
        for array in arrays:
            np.save(hashed, array, allow_pickle=False)
    if checksum(path) != hashed.sha256.hexdigest():
        raise OSError(errno.EIO, "not read back as it was written", str(path))
    facts = {**facts, "arrays": len(arrays), "sha256": hashed.sha256.hexdigest()}
    write_json(note_of(path), facts)


def load_arrays(path):
    """The arrays of a file, and its note.

    Returns:
        (list of numpy arrays, dict).

    Raises:
        Damaged: naming a file that is not as it was written, or has no note.
    """
    try:
        note = read_json(note_of(path))
        if checksum(path) != note["sha256"]:
            raise Damaged(f"{path} is damaged: its checksum is not the one in {note_of(path).name}")
        with open(path, "rb") as file:
            return [np.load(file, allow_pickle=False) for _ in range(note["arrays"])], note
    except FileNotFoundError as error:
        raise Damaged(f"{error.filename} is missing: {path} counts for nothing") from error
    except (OSError, KeyError, TypeError) as error:
        raise Damaged(f"{path} can't be read: {error}") from error
    except Damaged:
        raise
    except ValueError as error:
        raise Damaged(str(error)) from error


def remove_arrays(path):
    """Takes a file away, its note first: without it the rest counts for nothing."""
    note_of(path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def note_of(path):
    return path.with_suffix(".json")


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Hashed:
    """A file to write to that hashes what passes through."""

    def __init__(self, file):
        self.file = file
        self.sha256 = hashlib.sha256()

    def write(self, data):
        self.sha256.update(data)
        return self.file.write(data)
