"""A fit that is broken off anywhere and taken up again ends where the unbroken one does."""

import dataclasses
import errno
import os
import shutil
import subprocess

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit.data import ImageData
from keras_vit.runs import Preset, build
from keras_vit.runs.checkpoint import Checkpoint, Place, variables_of
from keras_vit.runs.fit import fit
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
from keras_vit.runs.termination import Terminated

pytestmark = pytest.mark.medium

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (26, 8, 8, 1)).astype("uint8")
Y = RNG.integers(0, 3, 26)
DATA = ImageData(X[:20], Y[:20], X[20:], Y[20:], ("a", "b", "c"))
PRESET = Preset(
    "tiny",
    "nothing",
    epochs=3,
    batch_size=4,
    crop_padding=1,
    mixup=0.4,
    ema_momentum=0.9,
    validation_images=6,
    best_epoch_from=1,
    warmup_epochs=1,
    model={
        "patch_size": 4,
        "hidden_dim": 8,
        "depth": 1,
        "num_heads": 1,
        "mlp_dim": 8,
        "dropout": 0.2,
        "drop_path": 0.2,
    },
)
STEPS = 5


class AskedAt:
    """A termination that is asked for at the n-th look at it."""

    waits = False

    def __init__(self, look=None):
        self.left = look

    @property
    def asked(self):
        if self.left is not None:
            self.left -= 1
        return self.left == 0


def go_on(folder, look=None, save_every=None, preset=PRESET):
    """Trains in `folder` from where it stands; the trainer at the end."""
    trainer = build.build_trainer(preset, build.build_model(preset, DATA), STEPS)
    for variable in trainer.trainable_variables:  # the same start for all, by the name
        seed = sum(map(ord, variable.path))
        value = np.random.default_rng(seed).normal(0, 0.2, variable.shape)
        variable.assign(value.astype("float32"))
    batches = build.build_batches(preset, *DATA.train, 1)
    run = RunFolder(folder)
    folder.mkdir(exist_ok=True)
    fit(trainer, batches, DATA.test, preset, 1, run, AskedAt(look), save_every)
    return trainer


def outcome(trainer, folder):
    rows = read_history(folder / "history.csv")
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in rows]
    return rows, [ops.convert_to_numpy(v) for v in variables_of(trainer)]


def assert_same(ours, theirs):
    assert ours[0] == theirs[0]
    for a, b in zip(ours[1], theirs[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    return outcome(go_on(folder), folder)


def names(folder):
    return [f.name.removesuffix(".state") for f in Checkpoint(folder / "checkpoint").files()]


@pytest.mark.backends  # What follows from seed and step depends on the backend, files do not.
def test_broken_off_within_epochs_it_ends_bit_for_bit_the_same(unbroken, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Terminated, match="epoch 1 after step 2"):
        go_on(folder, look=2)
    assert names(folder) == ["epoch-00000-step-0000002"]
    # Looked at after steps 3 and 4, at the epoch's end, after steps 1 to 3 of the next.
    with pytest.raises(Terminated, match="epoch 2 after step 3"):
        go_on(folder, look=6)
    assert names(folder) == ["epoch-00001-step-0000003", "epoch-00001-step-0000000"]
    # The rest of an epoch is broken off in its turn.
    with pytest.raises(Terminated, match="epoch 2 after step 4"):
        go_on(folder, look=1)
    with pytest.raises(Terminated, match="after epoch 3"):
        go_on(folder, look=6)
    assert_same(outcome(go_on(folder), folder), unbroken)


def test_batch_statistics_flips_and_muon_of_convolutions_go_on_too(tmp_path):
    preset = dataclasses.replace(
        PRESET,
        model_class="ConvViT",
        model={"widths": (8,), "depth": 1, "num_heads": 2, "mlp_dim": 8, "pool": "max"},
        optimizer="muon",
        optimizer_options={"convolution_rate": 10.0, "momentum": 0.8, "ns_steps": 3},
        schedule="linear",
        flip="alternating",
        crop_fill="reflect",
    )
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    unbroken = outcome(go_on(whole, preset=preset), whole)
    with pytest.raises(Terminated, match="epoch 2 after step 3"):
        go_on(broken, look=8, preset=preset)
    assert_same(outcome(go_on(broken, preset=preset), broken), unbroken)


GROUPS = dataclasses.replace(PRESET, steps_per_execution=2)


@pytest.mark.slow
@pytest.mark.backends
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras takes single steps there")
@pytest.mark.skipif(
    keras.backend.backend() == "jax" and "fusion_emitters=false" in os.environ.get("XLA_FLAGS", ""),
    reason="the older emitters round a group otherwise; `make test-slow` runs this without",
)
def test_steps_by_the_group_are_broken_off_and_saved_between_groups(unbroken, tmp_path):
    """Two, two and one step a call."""
    folder = tmp_path / "run"
    with pytest.raises(Terminated, match="epoch 1 after step 4"):
        go_on(folder, look=2, save_every=3, preset=GROUPS)
    # The last step of the epoch, its end, and the first call of the next.
    with pytest.raises(Terminated, match="epoch 2 after step 2"):
        go_on(folder, look=2, save_every=3, preset=GROUPS)
    assert names(folder) == ["epoch-00001-step-0000002", "epoch-00001-step-0000000"]
    assert_same(outcome(go_on(folder, save_every=3, preset=GROUPS), folder), unbroken)


def test_with_fewer_checkpoints_it_goes_on_from_the_last_one(tmp_path):
    preset = dataclasses.replace(PRESET, epochs=5, best_epoch_from=None, checkpoint_epochs=2)
    folder, killed = tmp_path / "run", tmp_path / "killed"
    whole = outcome(go_on(folder, preset=preset), folder)
    assert names(folder) == ["epoch-00005-step-0000000", "epoch-00004-step-0000000"]
    folder.rename(killed)
    for file in (killed / "checkpoint").glob("epoch-00005-*"):  # killed just in front of it
        file.unlink()
    assert_same(outcome(go_on(killed, preset=preset), killed), whole)


@pytest.mark.backends
def test_saving_within_epochs_changes_nothing(unbroken, tmp_path):
    folder = tmp_path / "run"
    assert_same(outcome(go_on(folder, save_every=2), folder), unbroken)
    assert names(folder) == ["epoch-00003-step-0000000", "epoch-00002-step-0000004"]


def damage(folder, name):
    file = folder / "checkpoint" / f"{name}.state"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(unbroken, tmp_path, capsys):
    folder = tmp_path / "run"
    with pytest.raises(Terminated, match="after epoch 2"):
        go_on(folder, look=10)
    assert names(folder) == ["epoch-00002-step-0000000", "epoch-00001-step-0000000"]
    damage(folder, "epoch-00002-step-0000000")
    capsys.readouterr()
    trainer = go_on(folder)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "damaged" in line]
    assert "epoch-00002-step-0000000.state is damaged" in line
    assert "going on from the one before it, epoch-00001-step-0000000.state" in line
    assert_same(outcome(trainer, folder), unbroken)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB; mounting one takes root."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], stderr=subprocess.DEVNULL
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_named_and_loses_nothing_saved(unbroken, small_disk):
    folder = small_disk / "run"
    with pytest.raises(Terminated, match="after epoch 1"):
        go_on(folder, look=5)
    free = shutil.disk_usage(small_disk).free
    (small_disk / "filler").write_bytes(bytes(free - 4096))
    with pytest.raises(OSError, match="No space left on device: '.*run/") as raised:
        go_on(folder)
    assert raised.value.errno == errno.ENOSPC
    assert names(folder) == ["epoch-00001-step-0000000"]
    (small_disk / "filler").unlink()
    assert_same(outcome(go_on(folder), folder), unbroken)


def test_where_none_is_whole_all_are_named_and_left_alone(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(Terminated):
        go_on(folder, look=10)
    for name in names(folder):
        damage(folder, name)
    before = sorted((folder / "checkpoint").iterdir())
    with pytest.raises(ValueError, match="epoch-00002-.*epoch-00001-"):
        go_on(folder)
    assert sorted((folder / "checkpoint").iterdir()) == before


def test_killed_while_the_first_is_written_it_starts_anew(tmp_path):
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "epoch-00001-step-0000000.state").write_bytes(b"no note yet")
    (folder / ".draft-epoch-00001-step-0000000.json").write_text("{")
    trainer = build.build_trainer(PRESET, build.build_model(PRESET, DATA), STEPS)
    assert Checkpoint(folder).restore(trainer) == Place()
    assert not list(folder.glob(".draft-*"))


def test_epochs_whose_checkpoints_are_gone_are_not_silently_trained_over(tmp_path):
    with pytest.raises(Terminated, match="after epoch 2"):
        go_on(tmp_path, look=10)
    rows = (tmp_path / "history.csv").read_bytes()
    shutil.rmtree(tmp_path / "checkpoint")
    with pytest.raises(ValueError, match="has 2 epochs, but .* has no checkpoint"):
        go_on(tmp_path)
    assert (tmp_path / "history.csv").read_bytes() == rows


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    trainer = build.build_trainer(PRESET, build.build_model(PRESET, DATA), STEPS)
    Checkpoint(tmp_path).save(trainer, Place(1))
    other = build.build_model(PRESET, DATA._replace(class_names=("a", "b")))
    with pytest.raises(ValueError, match="not a checkpoint of this model"):
        Checkpoint(tmp_path).restore(build.build_trainer(PRESET, other, STEPS))
