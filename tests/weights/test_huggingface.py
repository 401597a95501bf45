"""Checkpoints that transformers itself writes."""

import json
import warnings

import numpy as np
import pytest

from keras_vit import load_checkpoint
from keras_vit.weights import IMAGENET, LeftOutWarning
from keras_vit.weights.config_file import read_config
from tests.peers import peer_module, randomise
from tests.weights.parity import images_of, logits, torch_output

TINY = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 80,
    "image_size": 32,
    "patch_size": 8,
}
NAMES = {"id2label": {0: "ant", 1: "bee", 2: "cat"}, "label2id": {"ant": 0, "bee": 1, "cat": 2}}
HALF = {"mean": 0.5, "std": 0.5}


def saved(kind, folder, deviation=0.1, **arguments):
    """A random model of transformers, and the folder that it saved itself to."""
    transformers = peer_module("transformers")
    config = getattr(transformers, f"{kind.partition('Model')[0].partition('For')[0]}Config")
    model = randomise(getattr(transformers, kind)(config(**{**TINY, **arguments})), deviation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
    return model


def output(model, images, mean, std):
    given = torch_output(model, images, mean, std)
    return (given.logits if "logits" in given else given.last_hidden_state[:, 0]).numpy()


@pytest.mark.backends
@pytest.mark.parametrize(
    ("kind", "arguments", "statistics"),
    [
        ("ViTForImageClassification", {"layer_norm_eps": 1e-3, **NAMES}, HALF),
        ("ViTForImageClassification", {"hidden_act": "gelu_new"}, HALF),
        ("ViTForImageClassification", {"num_channels": 1, "image_size": 28, "patch_size": 7}, HALF),
        ("ViTForImageClassification", {"image_size": (24, 40)}, HALF),
        ("ViTModel", {}, HALF),
        ("Dinov2Model", {}, IMAGENET),
        ("Dinov2WithRegistersModel", {"num_register_tokens": 3}, IMAGENET),
    ],
)
@pytest.mark.filterwarnings("ignore::keras_vit.weights.LeftOutWarning")
def test_outputs_are_those_of_transformers(kind, arguments, statistics, tmp_path):
    model = saved(kind, tmp_path, **arguments)
    loaded = load_checkpoint(tmp_path)
    images = images_of(loaded.image_shape)
    expected = output(model, images, **statistics)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits(loaded, images), expected, atol=1e-4)
    if "id2label" in arguments:
        assert loaded.class_names == ("ant", "bee", "cat")
        assert loaded.layer_norm_epsilon == 1e-3


def test_without_a_config_the_defaults_are_transformers_own(tmp_path):
    model = saved("ViTForImageClassification", tmp_path, hidden_size=64, num_attention_heads=1)
    (tmp_path / "config.json").unlink()
    loaded = load_checkpoint(tmp_path / "model.safetensors")
    assert (loaded.num_heads, loaded.layer_norm_epsilon) == (1, 1e-12)
    images = images_of((32, 32, 3))
    np.testing.assert_allclose(logits(loaded, images), output(model, images, **HALF), atol=1e-4)


def test_the_names_of_a_live_model_are_read_too(tmp_path):
    torch = pytest.importorskip("torch")
    model = saved("ViTForImageClassification", tmp_path)
    assert "vit.layers.0.attention.q_proj.weight" in model.state_dict()
    torch.save(model.state_dict(), tmp_path / "live.pt")
    loaded = load_checkpoint(tmp_path / "live.pt")
    images = images_of((32, 32, 3))
    np.testing.assert_allclose(logits(loaded, images), output(model, images, **HALF), atol=1e-4)


@pytest.mark.parametrize("config", [True, False])
def test_statistics_of_the_image_processor_are_followed(tmp_path, config):
    model = saved("ViTForImageClassification", tmp_path)
    statistics = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}'
    )
    if not config:
        (tmp_path / "config.json").unlink()
    images = images_of((32, 32, 3))
    expected = output(model, images, **statistics)
    loaded = load_checkpoint(tmp_path, num_heads=4)
    np.testing.assert_allclose(logits(loaded, images), expected, atol=1e-4)


@pytest.mark.parametrize(
    "processor",
    [
        {"do_normalize": False},
        {"do_normalize": False, "rescale_factor": 1 / 100},
        {"rescale_factor": 1 / 127.5},
        {"image_mean": 0.3, "image_std": 0.2},
        {"image_mean": None, "image_std": None, "rescale_factor": None},
    ],
)
def test_pixels_are_those_of_the_image_processor(tmp_path, processor):
    given = {key: value for key, value in processor.items() if value is not None}
    theirs = peer_module("transformers.models.vit.image_processing_pil_vit").ViTImageProcessorPil(
        do_resize=False, **given
    )
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(processor))
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype="uint8")
    expected = np.stack(theirs(list(images), return_tensors="np")["pixel_values"])
    scale, offset = read_config(tmp_path / "model.safetensors")["rescaling"]
    found = np.moveaxis(images * np.float32(scale) + np.float32(offset), -1, 1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_pooler_and_mask_token_are_reported(tmp_path):
    saved("ViTModel", tmp_path / "vit")
    with pytest.warns(
        LeftOutWarning, match="not use these tensors: pooler.dense.bias .*pooler.dense.weight"
    ):
        load_checkpoint(tmp_path / "vit")
    saved("Dinov2Model", tmp_path / "dino")
    with pytest.warns(LeftOutWarning, match="does not use these tensors: embeddings.mask_token"):
        load_checkpoint(tmp_path / "dino")


@pytest.mark.slow
def test_b16_agrees(tmp_path):
    base = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12}
    base |= {"intermediate_size": 3072, "image_size": 224, "patch_size": 16, "num_labels": 1000}
    model = saved("ViTForImageClassification", tmp_path, deviation=0.02, **base)
    images = images_of((224, 224, 3))
    expected = output(model, images, **HALF)
    np.testing.assert_allclose(logits(load_checkpoint(tmp_path), images), expected, atol=1e-4)
