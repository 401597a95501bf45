import errno
import hashlib
import json

import numpy as np
import pytest

from keras_vit.files.array_file import Damaged, load_arrays, remove_arrays, save_arrays

ARRAYS = [
    np.arange(6, dtype="float32").reshape(2, 3),
    np.array(7, dtype="int64"),
    np.array([], dtype="uint32"),
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some.state"
    save_arrays(path, ARRAYS, epoch=3)
    return path


def test_arrays_come_back_with_what_was_noted(path):
    arrays, note = load_arrays(path)
    for ours, theirs in zip(ARRAYS, arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
    assert note["epoch"] == 3
    assert note["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("place", [0, 90, -1])
def test_a_flipped_bit_is_noticed(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(Damaged, match="some.state is damaged"):
        load_arrays(path)


def test_a_file_that_was_cut_off_is_noticed(path):
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match="some.state is damaged"):
        load_arrays(path)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"sha256": "0"}'])
def test_a_damaged_note_is_noticed(path, text):
    path.with_suffix(".json").write_text(text)
    with pytest.raises(Damaged, match="some"):
        load_arrays(path)


def test_a_file_without_its_note_counts_for_nothing(path):
    path.with_suffix(".json").unlink()
    with pytest.raises(Damaged, match="some.json is missing"):
        load_arrays(path)


def test_removed_it_is_gone(path):
    remove_arrays(path)
    assert not list(path.parent.iterdir())


def test_what_the_disk_gives_back_otherwise_does_not_count(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_vit.files.array_file.checksum", lambda path: "another")
    with pytest.raises(OSError, match="some.state"):
        save_arrays(tmp_path / "some.state", ARRAYS)
    assert not (tmp_path / "some.json").exists()


def test_a_full_disk_names_the_file_and_leaves_the_old_one(path, monkeypatch):
    before = path.read_bytes(), path.with_suffix(".json").read_bytes()

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("keras_vit.files.array_file.Hashed.write", full)
    with pytest.raises(OSError, match="some.state") as raised:
        save_arrays(path, ARRAYS, epoch=4)
    assert raised.value.errno == errno.ENOSPC
    assert (path.read_bytes(), path.with_suffix(".json").read_bytes()) == before
    assert json.loads(before[1])["epoch"] == 3
    assert len(list(path.parent.iterdir())) == 2
