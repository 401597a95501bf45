import errno
import os

import pytest

from keras_vit.files import read_json, whole_file, write_json


def fail_half_way(path):
    with whole_file(path) as draft:
        draft.write_text("half")
        raise KeyError


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises(KeyError):
        fail_half_way(tmp_path / "a.json")
    assert read_json(tmp_path / "a.json") == {"old": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_full_disk_is_told_with_the_files_name(tmp_path):
    with pytest.raises(OSError, match="a.json") as raised, whole_file(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert (raised.value.errno, raised.value.filename) == (errno.ENOSPC, str(tmp_path / "a.json"))


def test_file_and_name_are_on_the_disk_before_it_counts(tmp_path, monkeypatch):
    """The bytes before the new name, the name before the block is over."""
    calls = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        calls.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def noted_replace(draft, path):
        calls.append("replace")
        replace(draft, path)

    if not os.path.exists("/proc/self/fd"):
        pytest.skip("open files have no names here")
    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    with whole_file(tmp_path / "a") as draft:
        draft.write_text("all")
    assert calls == [str(tmp_path / ".draft-a"), "replace", str(tmp_path)]
