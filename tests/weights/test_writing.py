"""What is written for other libraries, loaded by them and read back."""

import json
import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import AugmentedModel, HybridViT, ViT, load_checkpoint, to_huggingface, to_timm
from keras_vit.layers.activations import gelu_tanh
from keras_vit.train.lora import add_lora
from tests.helpers import disturbed, quantized
from tests.peers import peer_module
from tests.weights.parity import images_of, logits, torch_output

SMALL = {"depth": 2, "hidden_dim": 24, "num_heads": 3, "mlp_dim": 50}
# The second: whether transformers' ViT has it too.
MODELS = {
    "class token": ({"class_names": tuple("abcdefghij")}, True),
    "statistics": ({"rescaling": ((0.01, 0.02, 0.03), (-1.0, -0.5, -0.2))}, True),
    "no head": ({"num_classes": 0}, True),
    "gelu by tanh": ({"activation": gelu_tanh}, True),
    "one channel": ({"image_shape": (28, 28, 1), "patch_size": 7}, True),
    "rectangle": (
        {"image_shape": (16, 32, 3), "patch_size": (8, 4), "patch_embedding": "conv"},
        True,
    ),
    "sincos1d": ({"positions": "sincos1d"}, True),
    "sincos2d": ({"positions": "sincos2d"}, True),
    "mean": ({"pool": "mean"}, False),
    "norm after the mean": ({"pool": "mean", "class_token": True, "fc_norm": True}, False),
    "no positions": ({"positions": None}, False),
    "registers": ({"num_registers": 3, "layer_scale": 1e-4, "qk_norm": True}, False),
}


def random_vit(**arguments):
    keras.utils.set_random_seed(0)
    return disturbed(ViT(**{**SMALL, **arguments}))


def comes_back_bit_by_bit(model, folder):
    """Reads a folder back: the same weights, but that fixed positions have become learned."""
    again = load_checkpoint(folder)
    ours = {weight.path.removeprefix("patches/"): weight for weight in model.weights}
    theirs = {
        weight.path.removeprefix("patch_encoder/projection/"): weight for weight in again.weights
    }
    for path, weight in ours.items():
        path = path.removeprefix("patch_encoder/projection/")
        found = ops.convert_to_numpy(theirs[path])
        np.testing.assert_array_equal(found.ravel(), ops.convert_to_numpy(weight).ravel())
    assert again.class_names == model.class_names
    images = images_of(model.image_shape)
    np.testing.assert_allclose(logits(again, images), logits(model, images), atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_timm_gives_the_same_logits(name, tmp_path):
    model = random_vit(**MODELS[name][0])
    to_timm(model, tmp_path / "out")
    theirs = peer_module("timm").create_model(f"local-dir:{tmp_path / 'out'}", pretrained=True)
    images = images_of(model.image_shape)
    statistics = {key: theirs.pretrained_cfg[key] for key in ("mean", "std")}
    expected = torch_output(theirs.eval(), images, **statistics)
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-4)
    if name != "no positions":
        comes_back_bit_by_bit(model, tmp_path / "out")


@pytest.mark.parametrize("name", MODELS)
def test_transformers_gives_the_same_logits(name, tmp_path):
    arguments, possible = MODELS[name]
    model = random_vit(**arguments)
    if not possible:
        with pytest.raises(
            ValueError, match="transformers' ViT can't represent this model: `.*Received: "
        ):
            to_huggingface(model, tmp_path / "out")
        assert not any(tmp_path.iterdir())
        return
    to_huggingface(model, tmp_path / "out")
    transformers = peer_module("transformers")
    kind = transformers.ViTForImageClassification if model.num_classes else transformers.ViTModel
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = kind.from_pretrained(tmp_path / "out").eval()
    if model.class_names:
        assert tuple(theirs.config.id2label[i] for i in range(10)) == model.class_names
    config = json.loads((tmp_path / "out" / "preprocessor_config.json").read_text())
    images = images_of(model.image_shape)
    output = torch_output(theirs, images, config["image_mean"], config["image_std"])
    expected = output.logits if model.num_classes else output.last_hidden_state[:, 0]
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-4)
    comes_back_bit_by_bit(model, tmp_path / "out")


@pytest.mark.backends
def test_a_trained_model_goes_there_and_back_on_every_backend(tmp_path):
    model = random_vit()
    to_timm(AugmentedModel(model), tmp_path / "timm")
    to_huggingface(model, tmp_path / "huggingface")
    for folder in ("timm", "huggingface"):
        comes_back_bit_by_bit(model, tmp_path / folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"relative_positions": "rotary"},
            "`relative_positions` must be None. Received: .*='rotary'",
        ),
        ({"pre_logits": 8}, "`pre_logits` must be None. Received: pre_logits=8"),
        ({"patch_embedding": "stem"}, "'linear' or 'conv'. Received: patch_embedding='stem'"),
        ({"layer_norm_epsilon": 1e-3}, "must be 1e-06. Received: layer_norm_epsilon=0.001"),
        ({"activation": "tanh"}, "must be one of .*'gelu'.*Received: activation='tanh'"),
    ],
)
def test_what_timm_has_not_is_refused_and_nothing_is_left(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=f"timm can't represent this model: .*{message}"):
        to_timm(random_vit(**arguments), tmp_path / "out")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (quantized, "quantised model does not hold its original weights"),
        (lambda model: add_lora(model, 2), "Low-rank factors are not part of the model's kernels"),
    ],
)
def test_variables_that_are_no_plain_weights_are_refused(change, message, tmp_path):
    model = random_vit()
    change(model)
    with pytest.raises(ValueError, match=message):
        to_timm(AugmentedModel(model), tmp_path / "out")
    assert not any(tmp_path.iterdir())


def test_no_folder_is_written_over_and_no_other_model_taken(tmp_path):
    (tmp_path / "kept").mkdir()
    with pytest.raises(ValueError, match="must not exist yet. Received: folder=.*kept'"):
        to_timm(random_vit(), tmp_path / "kept")
    with pytest.raises(
        ValueError, match="Only a ViT can be written for timm. Received: <HybridViT"
    ):
        to_timm(HybridViT(depth=1), tmp_path / "out")
