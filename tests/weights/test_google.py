"""Google's `.npz`, against a forward pass in numpy and against timm's own reading of it."""

import numpy as np
import pytest

from keras_vit import HybridViT, load_checkpoint
from keras_vit.weights import LeftOutWarning
from tests.peers import peer_module, randomise
from tests.weights.google_files import as_bfloat16, as_big_vision, forward, vit_weights
from tests.weights.parity import images_of, logits, torch_output


def saved(weights, folder):
    np.savez(folder / "vit.npz", **weights)
    return folder / "vit.npz"


@pytest.mark.backends
@pytest.mark.parametrize("pre_logits", [0, 24])
@pytest.mark.parametrize("prefix", ["", "opt/target/"])
def test_vision_transformers_file_gives_the_logits_of_its_equations(pre_logits, prefix, tmp_path):
    weights = vit_weights(pre_logits=pre_logits)
    path = saved({prefix + name: value for name, value in weights.items()}, tmp_path)
    model = load_checkpoint(path)
    assert (model.pre_logits, model.num_heads, model.patch_size) == (pre_logits or None, 4, (8, 8))
    images = images_of((32, 32, 3))
    expected = forward(weights, images)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-4)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("prefix", ["params/", "params/img/", ""])
def test_big_visions_file_has_the_token_beside_the_positions(stacked, prefix, tmp_path):
    weights = vit_weights()
    model = load_checkpoint(saved(as_big_vision(weights, prefix, stacked), tmp_path))
    images = images_of((32, 32, 3))
    expected = forward(weights, images, big_vision=True)
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-4)


def test_big_visions_fixed_positions_are_no_tensor(tmp_path):
    """Its S/16 adds sines and cosines, and pools by the mean after the norm."""
    weights = as_big_vision(vit_weights(), token=False)
    del weights["params/pos_embedding"]
    path = saved(weights, tmp_path)
    with pytest.raises(ValueError, match="fixed positions.*image_shape"):
        load_checkpoint(path)
    model = load_checkpoint(path, image_shape=(32, 32, 3))
    assert (model.positions, model.pool, model.fc_norm) == ("sincos2d", "mean", False)


@pytest.mark.parametrize("make", [dict, as_big_vision])
def test_bfloat16_without_a_type_is_understood(make, tmp_path):
    weights = vit_weights()
    cut = {name: (v.view("uint32") & 0xFFFF0000).view("float32") for name, v in weights.items()}
    model = load_checkpoint(saved(as_bfloat16(make(weights)), tmp_path))
    images = images_of((32, 32, 3))
    expected = forward(cut, images, big_vision=make is as_big_vision)
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ({"grid": (4, 4), "patch": (7, 7), "channels": 1}, (28, 28, 1)),
        ({"grid": (3, 5)}, (24, 40, 3)),
        ({"grid": (5, 3), "patch": (4, 8)}, (20, 24, 3)),
    ],
)
def test_other_images_than_squares_of_colour(sizes, shape, tmp_path):
    weights = vit_weights(**sizes)
    model = load_checkpoint(saved(weights, tmp_path), image_shape=shape)
    images = images_of(shape)
    np.testing.assert_allclose(logits(model, images), forward(weights, images), atol=1e-4)


def test_an_optimizers_state_is_left_and_reported(tmp_path):
    weights = {f"opt/target/{name}": value for name, value in vit_weights().items()}
    weights["opt/state/step"] = np.float32(3)
    with pytest.warns(
        LeftOutWarning, match="does not use these tensors: opt/state/step .the optimizer's state"
    ):
        load_checkpoint(saved(weights, tmp_path))


@pytest.mark.medium
@pytest.mark.parametrize(("stages", "axes"), [((), 1), ((), 4), ((1, 2), 4)])
def test_a_hybrid_is_as_timm_reads_it(stages, axes, tmp_path):
    """timm's reader of Google's files is the judge, on weights by the names of Google's ResNet."""
    timm = peer_module("timm")
    patch = 2 if stages else 8
    weights = vit_weights(dim=64, heads=1, patch=(patch, patch), grid=(4, 4), channels=64)
    weights["embedding/kernel"] = vit_weights(
        dim=64, patch=(patch, patch), channels=256 * 2 ** (len(stages) - 1) if stages else 64
    )["embedding/kernel"]
    weights |= resnet_weights(stages, axes)
    path = saved(weights, tmp_path)

    hybrid = peer_module("timm.models.vision_transformer_hybrid")
    size = 4 * patch * (8 if stages else 4)
    theirs = timm.create_model(
        "vit_tiny_r_s16_p8_224",
        img_size=size,
        num_classes=7,
        act_layer="gelu_tanh",
        embed_dim=64,
        depth=2,
        num_heads=1,
        mlp_ratio=0.75,
        embed_layer=lambda **arguments: hybrid.HybridEmbed(
            hybrid._resnetv2(stages),
            proj=True,
            patch_size=patch,
            **{key: arguments[key] for key in ("img_size", "in_chans", "embed_dim", "bias")},
        ),
    )
    randomise(theirs)
    theirs.load_pretrained(str(path))
    model = load_checkpoint(path)
    assert isinstance(model, HybridViT)
    assert model.stages == stages
    images = images_of((size, size, 3))
    expected = torch_output(theirs.eval(), images).numpy()
    np.testing.assert_allclose(logits(model, images), expected, atol=1e-4)


def resnet_weights(stages, axes=1, width=64):
    """Random parameters by the names of vit_jax/models_resnet.py.

    GroupNorm's have `axes` axes, four in the Flax of 2020.
    """
    rng = np.random.default_rng(1)
    weights = {}

    def conv(name, size, inputs, outputs):
        shape = (size, size, inputs, outputs)
        weights[f"{name}/kernel"] = rng.normal(0, 0.1, shape).astype("float32")

    def norm(name, channels):
        shape = (1, 1, 1, channels) if axes == 4 else (channels,)
        weights[f"{name}/scale"] = (1 + rng.normal(0, 0.1, shape)).astype("float32")
        weights[f"{name}/bias"] = rng.normal(0, 0.1, shape).astype("float32")

    conv("conv_root", 7, 3, width)
    norm("gn_root", width)
    channels = width
    for i, units in enumerate(stages):
        filters = width << i
        for j in range(units):
            unit = f"block{i + 1}/unit{j + 1}"
            sizes = ((1, channels, filters), (3, filters, filters), (1, filters, 4 * filters))
            for k, (size, inputs, outputs) in enumerate(sizes, 1):
                conv(f"{unit}/conv{k}", size, inputs, outputs)
                norm(f"{unit}/gn{k}", outputs)
            if j == 0:
                conv(f"{unit}/conv_proj", 1, channels, 4 * filters)
                norm(f"{unit}/gn_proj", 4 * filters)
            channels = 4 * filters
    return weights


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        ({"depth": 12, "dim": 192, "heads": 3, "mlp": 768, "patch": (16, 16)}, 5_717_416),
        ({"depth": 12, "dim": 384, "heads": 6, "mlp": 1536, "patch": (32, 32)}, 22_878_952),
        ({"depth": 12, "dim": 768, "heads": 12, "mlp": 3072, "patch": (16, 16)}, 86_567_656),
    ],
)
def test_whole_models_agree(sizes, count, tmp_path):
    side = 224 // sizes["patch"][0]
    weights = vit_weights(**sizes, grid=(side, side), classes=1000, deviation=0.02)
    model = load_checkpoint(saved(weights, tmp_path))
    assert model.count_params() == count
    images = images_of((224, 224, 3))
    np.testing.assert_allclose(logits(model, images), forward(weights, images), atol=1e-4)
