from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import HybridStudyViT, HybridViT, attention_maps, intermediates
from keras_vit.models.hybrid_backbone import HybridBackbone
from tests.helpers import quantized
from tests.peers import peer_module, randomise
from tests.unallocated import unallocated

TRANSFORMER = {"hidden_dim": 16, "depth": 2, "num_heads": 2, "mlp_dim": 24}
SMALL = {"image_shape": (8, 12, 3), "stages": (1, 1), **TRANSFORMER}
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3)).astype("uint8")


@pytest.mark.parametrize(
    ("variant", "count", "grid"),
    [
        # from the tests of google-research/vision_transformer
        ("R+Ti/16", 6_337_704, (7, 7)),
        ("R26+S/32", 36_431_912, (7, 7)),
        ("R26+B/32", 101_383_976, (7, 7)),
        ("R50+B/16", 98_659_112, (14, 14)),
        ("R50+L/32", 328_994_856, (7, 7)),
    ],
)
def test_the_variants_have_the_published_numbers_of_parameters(variant, count, grid):
    with unallocated():
        model = HybridViT.from_variant(variant)
    assert model.count_params() == count
    assert model.grid == grid


def test_the_default_has_the_number_of_parameters_that_its_docstring_states():
    with unallocated():
        assert f"{HybridViT().count_params():,}" in HybridViT.__doc__


def test_an_unknown_variant_is_refused_by_name():
    with pytest.raises(ValueError, match=r"R50\+L/32. Received: variant='R50\+L/16'"):
        HybridViT.from_variant("R50+L/16")


@pytest.mark.backends
@pytest.mark.medium
@pytest.mark.parametrize("stages", [(), (1, 2, 1)])
def test_the_backbone_is_timms_with_the_same_weights(stages):
    resnetv2 = peer_module("timm.models.resnetv2")
    std_conv = peer_module("timm.layers.std_conv")
    import torch

    same = {"stem_type": "same", "preact": False}
    same["conv_layer"] = partial(std_conv.StdConv2dSame, eps=1e-8)
    if stages:
        channels = [128 * 2**i for i in range(len(stages))]
        theirs = resnetv2.ResNetV2(stages, channels, 0, stem_chs=32, global_pool="", **same)
    else:
        theirs = resnetv2.create_resnetv2_stem(3, 32, **same)
    # An odd side, so that the paddings of both strides are put to the test.
    images = np.random.default_rng(0).normal(size=(2, 45, 64, 3)).astype("float32")
    ours = HybridBackbone(stages, width=32, group_norm_epsilon=1e-5)
    ours.build(images.shape)
    randomise(theirs)
    copy_backbone(theirs, ours)
    with torch.no_grad():
        expected = theirs(torch.tensor(images.transpose(0, 3, 1, 2))).numpy()
    y = ops.convert_to_numpy(ours(images))
    np.testing.assert_allclose(y, expected.transpose(0, 2, 3, 1), atol=3e-3, rtol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variant", "timm_name"),
    [("R+Ti/16", "vit_tiny_r_s16_p8_224"), ("R26+S/32", "vit_small_r26_s32_224")],
)
def test_a_hybrid_gives_timms_logits(variant, timm_name):
    timm = peer_module("timm")
    import torch

    theirs = timm.create_model(timm_name, img_size=64).eval()
    ours = HybridViT.from_variant(
        variant, image_shape=(64, 64, 3), group_norm_epsilon=1e-5, rescaling=(1.0, 0.0)
    )
    randomise(theirs)
    copy_backbone(theirs.patch_embed.backbone, ours.get_layer("backbone"))
    state = {key: value.numpy() for key, value in theirs.state_dict().items()}
    ours.get_layer("patches").set_weights(
        [
            state["patch_embed.proj.weight"].transpose(2, 3, 1, 0),
            state["patch_embed.proj.bias"],
        ]
    )
    ours.get_layer("patch_encoder").set_weights([state["cls_token"], state["pos_embed"]])
    for i in range(ours.depth):
        block = ours.get_layer(f"block_{i}")
        parts = {"norm1": block.norm_1, "norm2": block.norm_2, "attn.qkv": block.attention.qkv}
        parts |= {"attn.proj": block.attention.projection}
        parts |= {"mlp.fc1": block.mlp.dense_1, "mlp.fc2": block.mlp.dense_2}
        for name, part in parts.items():
            copy_dense(state, f"blocks.{i}.{name}", part)
    copy_dense(state, "norm", ours.get_layer("norm"))
    copy_dense(state, "head", ours.get_layer("head"))
    images = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    with torch.no_grad():
        expected = theirs(torch.tensor(images.transpose(0, 3, 1, 2))).numpy()
    np.testing.assert_allclose(ops.convert_to_numpy(ours(images)), expected, atol=2e-3, rtol=1e-3)
    assert np.abs(expected).max() > 0.5


def copy_backbone(theirs, ours):
    stem = theirs.stem if hasattr(theirs, "stem") else theirs
    pairs = [(stem.conv, ours.conv_root), (stem.norm, ours.gn_root)]
    for their_stage, stage in zip(getattr(theirs, "stages", ()), ours.blocks, strict=True):
        for their_unit, unit in zip(their_stage.blocks, stage.units, strict=True):
            pairs += [
                (getattr(their_unit, f"conv{i}"), getattr(unit, f"conv{i}")) for i in (1, 2, 3)
            ]
            pairs += [(getattr(their_unit, f"norm{i}"), getattr(unit, f"gn{i}")) for i in (1, 2, 3)]
            assert unit.projects == (their_unit.downsample is not None)
            if unit.projects:
                pairs += [(their_unit.downsample.conv, unit.conv_proj)]
                pairs += [(their_unit.downsample.norm, unit.gn_proj)]
    for source, target in pairs:
        values = [parameter.detach().numpy() for parameter in source.parameters()]
        target.set_weights([v.transpose(2, 3, 1, 0) if v.ndim == 4 else v for v in values])


def copy_dense(state, name, layer):
    """A Dense layer's kernel and bias, or a norm's gamma and beta."""
    weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    layer.set_weights([weight.T, bias])


@pytest.mark.backends
def test_a_weights_path_is_its_key_in_googles_checkpoints():
    paths = {weight.path for weight in HybridViT(**SMALL).weights}
    unit = "backbone/block1/unit1"
    assert {
        "backbone/conv_root/kernel",
        "backbone/gn_root/gamma",
        f"{unit}/conv1/kernel",
        f"{unit}/gn3/beta",
        f"{unit}/conv_proj/kernel",
        f"{unit}/gn_proj/gamma",
        "backbone/block2/unit1/conv2/kernel",
        "patches/kernel",
        "patch_encoder/positions",
        "block_1/attention/qkv/kernel",
        "head/kernel",
    } <= paths


@pytest.mark.backends
def test_resized_keeps_the_weights_and_interpolates_the_positions():
    model = HybridViT(**SMALL, relative_positions="bias")
    assert model.grid == (2, 3)
    other = model.resized((16, 8, 3))
    assert other.grid == (4, 2)
    old, new = ({v.path: ops.convert_to_numpy(v) for v in m.weights} for m in (model, other))
    assert old.keys() == new.keys()
    changed = {path for path in old if old[path].shape != new[path].shape}
    assert changed == {
        "patch_encoder/positions",
        "block_0/attention/bias/table",
        "block_1/attention/bias/table",
    }
    for path in old.keys() - changed:
        np.testing.assert_array_equal(old[path], new[path])


@pytest.mark.backends
def test_stages_and_attention_can_be_looked_into():
    model = HybridViT(**SMALL)
    stages = intermediates(model)(IMAGES.astype("float32"))
    assert stages["backbone"].shape == (2, 4, 6, 256)
    assert stages["block_1"].shape == (2, 7, 16)
    maps = attention_maps(model, IMAGES)
    assert maps.shape == (2, 2, 2, 7, 7)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.medium
@pytest.mark.parametrize(
    "model",
    [
        lambda: HybridViT(**SMALL),
        lambda: HybridStudyViT((32, 32, 3), backbone="resnet34-stage1", **TRANSFORMER),
    ],
)
def test_a_quantised_hybrid_comes_back_from_its_file(tmp_path, model):
    model = model()
    kernel = model.get_layer("head").kernel
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))  # it may start at zero
    quantized(model)
    images = np.random.default_rng(0).uniform(0, 255, (2, *model.image_shape)).astype("float32")
    quantised = model.predict(images, verbose=0)
    assert quantised.any()
    model.save(tmp_path / "int8.keras")
    loaded = keras.saving.load_model(tmp_path / "int8.keras")
    assert loaded.get_layer("block_0").attention.qkv.kernel.dtype == "int8"
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), quantised)


BAD = {
    "`stem` must be one of": {"stem": "deep"},
    "`width` must be a multiple of 32. Received: width=48": {"width": 48},
    r"Received: patch_size=\(4, 4\), a feature map of 4x6": {"patch_size": 4},
    "must divide `hidden_dim`. Received: num_heads=3, hidden_dim=16": {"num_heads": 3},
}


@pytest.mark.parametrize("message", BAD)
def test_arguments_that_do_not_fit_are_refused_by_name(message):
    with pytest.raises(ValueError, match=message):
        HybridViT(**{**SMALL, **BAD[message]})
