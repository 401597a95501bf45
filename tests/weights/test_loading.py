"""What load_checkpoint does besides reading: heads, sizes, overrides, and what it refuses."""

import os
import pickle

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import ViT, load_checkpoint
from keras_vit.weights import IMAGENET, LeftOutWarning, rescaling_of
from tests.weights.google_files import forward, vit_weights
from tests.weights.parity import images_of, logits


@pytest.fixture
def checkpoint(tmp_path):
    """Saves Google's parameters, changed by the caller."""

    def save(change=None, **sizes):
        weights = vit_weights(**sizes)
        if change:
            change(weights)
        np.savez(tmp_path / "vit.npz", **weights)
        return tmp_path / "vit.npz"

    return save


@pytest.mark.backends
def test_a_new_head_starts_at_zero_and_the_old_one_is_reported(checkpoint):
    path = checkpoint(pre_logits=24)
    with pytest.warns(LeftOutWarning, match="head/bias .*head/kernel .*pre_logits/kernel"):
        model = load_checkpoint(path, num_classes=3, class_names=("a", "b", "c"))
    assert model.pre_logits is None
    assert model.class_names == ("a", "b", "c")
    images = images_of((32, 32, 3))
    np.testing.assert_array_equal(logits(model, images), np.zeros((4, 3)))


def test_no_head_gives_what_the_head_would_have_seen(checkpoint):
    path = checkpoint()
    images = images_of((32, 32, 3))
    with pytest.warns(LeftOutWarning, match="head/bias"):
        features = logits(load_checkpoint(path, num_classes=0), images)
    weights = vit_weights()
    again = features @ weights["head/kernel"] + weights["head/bias"]
    np.testing.assert_allclose(again, forward(weights, images), atol=1e-4)


def test_overrides_reach_the_model(checkpoint):
    model = load_checkpoint(checkpoint(), drop_path=0.2, rescaling=rescaling_of(**IMAGENET))
    assert model.drop_path == 0.2
    scale, offset = model.rescaling
    pixels = np.array([0.0, 128.0, 255.0])
    expected = (pixels / 255 - IMAGENET["mean"]) / IMAGENET["std"]
    np.testing.assert_allclose(pixels * scale + offset, expected, atol=1e-6)


def test_a_loaded_model_is_saved_and_loaded_as_any_other(checkpoint, tmp_path):
    """The activation by tanh is a function of this package, and survives."""
    model = load_checkpoint(checkpoint())
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    images = images_of((32, 32, 3))
    np.testing.assert_array_equal(logits(again, images), logits(model, images))


@pytest.mark.parametrize("interpolation", ["bicubic", "scipy-linear"])
def test_another_image_size_is_the_resized_model(checkpoint, interpolation):
    path = checkpoint()
    loaded = load_checkpoint(path, image_shape=(48, 24, 3), interpolation=interpolation)
    resized = load_checkpoint(path).resized((48, 24, 3), interpolation)
    for a, b in zip(loaded.weights, resized.weights, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(a), ops.convert_to_numpy(b))


def test_what_is_missing_and_what_is_left_over_is_listed_both(checkpoint):
    def change(weights):
        weights["Transformer/encoderblock_1/LayerNorm_9/scale"] = np.zeros(3, "float32")
        del weights["Transformer/encoderblock_0/LayerNorm_2/bias"], weights["cls"]
        weights["stray"] = np.zeros(1, "float32")

    with pytest.raises(
        ValueError,
        match=r"lacks tensors that the model needs: Transformer/encoderblock_0/LayerNorm_2/bias; "
        r"the file holds tensors that the model can't use: "
        r"Transformer/encoderblock_1/LayerNorm_9/scale, stray$",
    ):
        load_checkpoint(checkpoint(change))


def test_a_wrong_shape_is_named(checkpoint):
    def change(weights):
        weights["Transformer/encoder_norm/scale"] = np.zeros(31, "float32")

    with pytest.raises(
        ValueError,
        match=r"weight norm/gamma of shape \(32,\). "
        r"Received: Transformer/encoder_norm/scale of shape \(31,\)$",
    ):
        load_checkpoint(checkpoint(change))


@pytest.mark.parametrize(
    "name",
    [
        "embedding/kernel",
        "head/bias",
        "Transformer/posembed_input/pos_embedding",
        "Transformer/encoderblock_0/LayerNorm_0/scale",
        "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel",
    ],
)
def test_a_wrong_number_of_axes_is_named_where_sizes_are_read(checkpoint, name):
    def change(weights):
        weights[name] = weights[name].reshape(1, 1, *weights[name].shape)

    with pytest.raises(
        ValueError, match=rf"tensor {name} must have \d axes. Received: shape \(1, 1, "
    ):
        load_checkpoint(checkpoint(change))


def test_other_channels_are_refused(checkpoint):
    with pytest.raises(
        ValueError, match=r"for images of 3 channels. Received: image_shape=\(32, 32, 1\)"
    ):
        load_checkpoint(checkpoint(), image_shape=(32, 32, 1))


def test_an_unknown_interpolation_is_refused(checkpoint):
    with pytest.raises(
        ValueError, match="'bicubic', 'scipy-linear'.*Received: interpolation='cubic'"
    ):
        load_checkpoint(checkpoint(), image_shape=(64, 64, 3), interpolation="cubic")


def test_another_models_file_is_refused_by_its_names(tmp_path):
    np.savez(tmp_path / "cnn.npz", **{"conv1/kernel": np.zeros(3, "float32")})
    with pytest.raises(ValueError, match="must be a ViT of Google's.*Received: .*conv1/kernel"):
        load_checkpoint(tmp_path / "cnn.npz")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_refused_by_name(checkpoint, tmp_path, suffix, share):
    whole = checkpoint()
    if suffix == ".safetensors":
        from safetensors.numpy import save_file

        save_file(vit_weights(), tmp_path / "vit.safetensors")
        whole = tmp_path / "vit.safetensors"
    content = whole.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=f"cut{suffix}"):
        load_checkpoint(cut)


def test_damaged_bytes_inside_are_noticed(checkpoint, tmp_path):
    path = checkpoint()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "bent.npz").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"bent.npz: the tensor 'Transformer/.*' can't be read: .*Bad CRC"
    ):
        load_checkpoint(tmp_path / "bent.npz")


def test_a_damaged_directory_of_a_zip_file_is_noticed(checkpoint, tmp_path):
    content = bytearray(checkpoint().read_bytes())
    start = content.index(b"PK\x01\x02")
    content[start : start + 4] = b"PK\x00\x00"
    (tmp_path / "bent.npz").write_bytes(content)
    with pytest.raises(ValueError, match="bent.npz: this .npz or PyTorch file is damaged"):
        load_checkpoint(tmp_path / "bent.npz")


@pytest.mark.parametrize(
    "config",
    [
        '{"architecture": "vit", "pretrained_cfg": {"mean": [0, 0, 0], "std": [0, 0, 0]}}',
        '{"architecture": "vit", "label_names": [1, 2]}',
        '{"model_type": "vit", "id2label": ["a", "b"]}',
    ],
)
def test_a_config_that_no_library_writes_is_refused_by_name(checkpoint, tmp_path, config):
    path = checkpoint()
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(ValueError, match="config.json must have the form that"):
        load_checkpoint(path)


def test_parameters_with_gradients_are_tensors_too(tmp_path):
    torch = pytest.importorskip("torch")
    content = {"cls_token": torch.nn.Parameter(torch.zeros(1))}
    torch.save(content, tmp_path / "vit.pth")
    with pytest.raises(ValueError, match="must be a ViT of Google's.*Received: .*cls_token"):
        load_checkpoint(tmp_path / "vit.pth")


class Attack:
    """Unpickled, it leaves a file behind."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_a_pickle_called_npz_is_refused_and_not_run(tmp_path):
    (tmp_path / "vit.npz").write_bytes(pickle.dumps(Attack(tmp_path / "run")))
    with pytest.raises(ValueError, match="vit.npz: this file is not a checkpoint"):
        load_checkpoint(tmp_path / "vit.npz")
    objects = np.array([Attack(tmp_path / "run")], dtype=object)
    np.savez(tmp_path / "vit.npz", **{**vit_weights(), "cls": objects})
    with pytest.raises(ValueError, match="vit.npz: the tensor 'cls' can't be read.*allow_pickle"):
        load_checkpoint(tmp_path / "vit.npz")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_pytorch_file_is_refused_and_not_run(tmp_path, legacy):
    torch = pytest.importorskip("torch")
    path = tmp_path / "vit.pth"
    content = {"cls_token": torch.zeros(1), "code": Attack(tmp_path / "run")}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(
        ValueError, match="vit.pth: PyTorch can't read this file as weights, and ran no"
    ):
        load_checkpoint(path)
    assert not (tmp_path / "run").exists()


def test_a_path_that_leads_nowhere_is_named(tmp_path):
    with pytest.raises(ValueError, match="nothing.npz: there is no such file"):
        load_checkpoint(tmp_path / "nothing.npz")
    with pytest.raises(
        ValueError, match="must hold model.safetensors or .* Received: .* holds nothing"
    ):
        load_checkpoint(tmp_path)


def test_defaults_of_a_loaded_model_are_those_of_vit(checkpoint):
    """But for what the file says."""
    plain, loaded = ViT().get_config(), load_checkpoint(checkpoint()).get_config()
    told = {"hidden_dim", "depth", "num_heads", "mlp_dim", "patch_size", "num_classes"}
    assert {key for key in plain if plain[key] != loaded[key]} == {*told, "activation"}
