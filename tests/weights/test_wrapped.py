"""Weights inside what training scripts and wrappers of PyTorch put around them."""

import argparse
import shutil
import warnings

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from keras_vit import ViT, load_checkpoint, to_huggingface, to_timm
from keras_vit.weights import AveragedWeightsWarning
from tests.helpers import disturbed

torch = pytest.importorskip("torch")

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype("float32")
WRITERS = {"timm": to_timm, "huggingface": to_huggingface}


@pytest.fixture(scope="module")
def vit():
    return disturbed(ViT((8, 8, 3), 4, 10, hidden_dim=64, depth=2, num_heads=1, mlp_dim=64))


@pytest.fixture(scope="module")
def published(vit, tmp_path_factory):
    """The folders with the weights as each library writes them."""
    root = tmp_path_factory.mktemp("published")
    for name, write in WRITERS.items():
        write(vit, root / name)
    return root


def tensors(published, name="timm"):
    return load_file(published / name / "model.safetensors")


def saved(content, published, tmp_path, name="timm"):
    """A PyTorch file, with the library's config beside it."""
    shutil.copy(published / name / "config.json", tmp_path)
    torch.save(content, tmp_path / "pytorch_model.bin")
    return tmp_path / "pytorch_model.bin"


def as_torch(arrays, factor=1.0):
    return {name: factor * torch.tensor(array) for name, array in arrays.items()}


def same(path, vit):
    ours = load_checkpoint(path).predict(IMAGES, verbose=0)
    np.testing.assert_allclose(ours, vit.predict(IMAGES, verbose=0), atol=1e-5)


@pytest.mark.parametrize("library", WRITERS)
@pytest.mark.parametrize(
    "prefix", ["_orig_mod.", "module.", "model.", "net.", "module._orig_mod.", "model.backbone."]
)
def test_a_prefix_of_every_name_is_taken_off(published, tmp_path, vit, library, prefix):
    wrapped = {prefix + name: array for name, array in tensors(published, library).items()}
    shutil.copy(published / library / "config.json", tmp_path)
    save_file(wrapped, tmp_path / "model.safetensors")
    same(tmp_path, vit)


def test_a_head_beside_a_wrapped_body_keeps_its_name(published, tmp_path, vit):
    arrays = tensors(published)
    wrapped = {k if k.startswith("head.") else f"backbone.{k}": v for k, v in arrays.items()}
    same(saved(as_torch(wrapped), published, tmp_path), vit)


def test_two_tensors_of_one_name_are_not_mistaken_for_one(published, tmp_path):
    arrays = tensors(published)
    wrapped = {f"model.{name}": array for name, array in arrays.items()}
    wrapped["norm.weight"] = arrays["norm.weight"]
    with pytest.raises(ValueError, match="must be a ViT of"):
        load_checkpoint(saved(as_torch(wrapped), published, tmp_path))


@pytest.mark.parametrize(
    "key", ["model", "state_dict", "model_state_dict", "model_state", "net", "model_ema", "teacher"]
)
def test_the_weights_may_stand_in_an_entry(published, tmp_path, vit, key):
    content = {"epoch": 3, key: as_torch(tensors(published)), "optimizer": {"state": {}}}
    same(saved(content, published, tmp_path), vit)


@pytest.mark.parametrize(
    ("averaged", "other"), [("state_dict_ema", "state_dict"), ("model_ema", "model")]
)
def test_averages_are_read_before_other_weights_and_named(
    published, tmp_path, vit, averaged, other
):
    arrays = tensors(published)
    path = saved({other: as_torch(arrays, 0.5), averaged: as_torch(arrays)}, published, tmp_path)
    with pytest.warns(AveragedWeightsWarning, match=f"'{averaged}' are read.*'{other}'"):
        model = load_checkpoint(path)
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0), vit.predict(IMAGES, verbose=0), atol=1e-5
    )


def test_the_command_line_that_a_script_saved_does_no_harm(published, tmp_path, vit):
    """As DeiT, DINO and MAE save it."""
    content = {"model": as_torch(tensors(published)), "args": argparse.Namespace(lr=1e-3)}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        same(saved(content, published, tmp_path), vit)


class Trainer:
    pass


def test_other_objects_are_refused_in_one_line_without_terminal_codes(published, tmp_path):
    content = {"model": as_torch(tensors(published)), "trainer": Trainer()}
    path = saved(content, published, tmp_path)
    with pytest.raises(ValueError, match="ran no code from it") as raised:
        load_checkpoint(path)
    message = str(raised.value)
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_file_without_weights_names_its_entries(published, tmp_path):
    path = saved({"epoch": 3, "weights": [1.0]}, published, tmp_path)
    with pytest.raises(ValueError, match=r"the entries epoch \(int\), weights \(list\)"):
        load_checkpoint(path)
