"""Checkpoints that timm itself writes."""

import json

import numpy as np
import pytest

from keras_vit import HybridViT, ViT, load_checkpoint
from keras_vit.weights import rescaling_of
from keras_vit.weights.config_file import read_config
from keras_vit.weights.loading import usual_heads
from tests.peers import peer_module, randomise
from tests.weights.parity import agrees_with_timm, images_of, logits, save_safetensors, torch_output

pytestmark = pytest.mark.filterwarnings("ignore::keras_vit.weights.LeftOutWarning")

TINY = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 2, "num_classes": 7}
KINDS = {
    "class token": {},
    "mean, then norm": {"global_pool": "avg"},
    "no class token": {"global_pool": "avg", "class_token": False},
    "norm, then mean": {"global_pool": "avg", "class_token": False, "fc_norm": False},
    "registers with positions": {"reg_tokens": 4},
    "registers without": {"reg_tokens": 4, "no_embed_class": True},
    "class token without position": {"no_embed_class": True},
    "LayerScale": {"init_values": 0.1},
    "normalised queries": {"qk_norm": True, "num_heads": 4},
    "one channel of 28x28": {"img_size": 28, "patch_size": 7, "in_chans": 1},
}


def vision_transformer(**arguments):
    vit = peer_module("timm.models.vision_transformer").VisionTransformer
    return randomise(vit(**{**TINY, "num_heads": 1, **arguments}))


@pytest.mark.backends
@pytest.mark.parametrize("kind", KINDS)
def test_logits_and_features_are_timms(kind, tmp_path):
    agrees_with_timm(vision_transformer(**KINDS[kind]), tmp_path / "model.safetensors")


@pytest.mark.parametrize("shape", [(24, 48), (48, 24)])
def test_a_rectangle_is_told_from_a_square(shape, tmp_path):
    model = vision_transformer(img_size=shape)
    path = tmp_path / "model.safetensors"
    loaded = agrees_with_timm(model, path, image_shape=(*shape, 3))
    assert loaded.grid == (shape[0] // 8, shape[1] // 8)
    by_grid = agrees_with_timm(model, path, grid=loaded.grid)
    assert by_grid.image_shape == (*shape, 3)
    with pytest.raises(ValueError, match="must fit the 19 positions.*Received: grid=.9, 3"):
        load_checkpoint(path, grid=(9, 3))
    with pytest.raises(ValueError, match="19 positions are no square grid.*grid="):
        load_checkpoint(path)


def test_heads_that_are_not_64_wide_are_asked_for(tmp_path):
    model = vision_transformer(embed_dim=48, num_heads=3)
    path = save_safetensors(model, tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match="`num_heads` must be given.*64 does not divide.*hidden_dim=48"
    ):
        load_checkpoint(path)
    agrees_with_timm(model, path, num_heads=3)


@pytest.mark.parametrize(
    "name",
    [
        "vit_tiny_patch16_224",
        "vit_small_patch16_224",
        "vit_base_patch16_224",
        "vit_large_patch16_224",
        "vit_so400m_patch14_siglip_gap_224",
        "vit_huge_patch14_224",
        "vit_giant_patch14_224",
        "vit_giant_patch14_dinov2",
        "vit_gigantic_patch14_224",
    ],
)
def test_published_sizes_have_timms_heads(name):
    timm = peer_module("timm")
    import torch

    with torch.device("meta"):
        theirs = timm.create_model(name, depth=1)
    assert usual_heads("", theirs.embed_dim) == theirs.blocks[0].attn.num_heads


@pytest.mark.medium
@pytest.mark.parametrize("name", ["vit_tiny_r_s16_p8_224", "vit_small_r26_s32_224"])
def test_a_hybrid_gives_timms_logits(name, tmp_path):
    model = randomise(peer_module("timm").create_model(name, img_size=64, num_classes=5))
    # timm's own float32 is 5e-5 off its float64 there.
    loaded = agrees_with_timm(model, tmp_path / "model.safetensors", rtol=1e-4)
    assert isinstance(loaded, HybridViT)


def test_dinov2s_own_file_has_its_registers_behind_the_positions(tmp_path):
    """As facebookresearch/dinov2 names and adds them; timm's own conversion is the judge."""
    torch = pytest.importorskip("torch")
    dinov2 = peer_module("timm.models.vision_transformer")
    arguments = {"img_size": 70, "patch_size": 14, "num_classes": 0, "init_values": 1.0}
    plain = vision_transformer(**arguments).state_dict()
    own = {**plain, "mask_token": torch.zeros(1, 64), "register_tokens": torch.randn(1, 4, 64)}
    torch.save({"teacher": own}, tmp_path / "dinov2.pth")

    converted = dinov2._convert_dinov2(dict(own), None)
    theirs = vision_transformer(**arguments, reg_tokens=4, no_embed_class=True)
    theirs.load_state_dict(converted)
    loaded = load_checkpoint(tmp_path / "dinov2.pth")
    images = images_of((70, 70, 3))
    expected = torch_output(theirs.eval(), images).numpy()
    np.testing.assert_allclose(logits(loaded, images), expected, atol=1e-4)


def test_deits_distillation_token_is_refused_by_name(tmp_path):
    deit = peer_module("timm.models.deit").VisionTransformerDistilled(**TINY, num_heads=1)
    path = save_safetensors(deit, tmp_path / "model.safetensors")
    with pytest.raises(
        ValueError, match="no distillation token.*Received: .*the tensor dist_token"
    ):
        load_checkpoint(path)


def test_a_config_beside_the_file_is_followed(tmp_path):
    """A folder as timm saves it for its hub, with heads, pooling, statistics and names."""
    timm = peer_module("timm")
    names = [f"class {i}" for i in range(7)]
    model = timm.create_model(
        "vit_tiny_patch16_224",
        **{**TINY, "depth": 1},
        num_heads=4,
        global_pool="avg",
        fc_norm=False,
    )
    randomise(model)
    statistics = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    model.pretrained_cfg.update(statistics, input_size=(3, 32, 32))
    arguments = {"num_heads": 4, "global_pool": "avg", "fc_norm": False, "img_size": 32}
    peer_module("timm.models._hub").save_for_hf(
        model, tmp_path, model_config={"num_classes": 7, "label_names": names}, model_args=arguments
    )
    loaded = load_checkpoint(tmp_path)
    assert (loaded.num_heads, loaded.pool, loaded.fc_norm) == (4, "mean", False)
    assert loaded.class_names == tuple(names)
    images = images_of((32, 32, 3))
    expected = torch_output(model, images, **statistics).numpy()
    np.testing.assert_allclose(logits(loaded, images), expected, atol=1e-4)


# In whole models tensors deviate by as much as where training starts: with more, float32 itself
# is further from float64 than these comparisons allow.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("vit_tiny_patch16_224", "Ti/16"),
        ("vit_small_patch32_224", "S/32"),
        ("vit_base_patch16_224", "B/16"),
    ],
)
def test_whole_models_agree(name, variant, tmp_path):
    model = randomise(peer_module("timm").create_model(name), 0.02)
    loaded = agrees_with_timm(model, tmp_path / "model.safetensors")
    assert loaded.count_params() == ViT.from_variant(variant).count_params()


@pytest.mark.slow
def test_dinov2_with_registers_on_its_grid_of_37x37_agrees(tmp_path):
    model = peer_module("timm").create_model("vit_small_patch14_reg4_dinov2")
    loaded = agrees_with_timm(randomise(model, 0.02), tmp_path / "model.safetensors")
    assert (loaded.grid, loaded.num_registers) == ((37, 37), 4)


def test_a_config_of_one_level_is_read_as_timm_reads_it(tmp_path):
    flat = {"architecture": "vit", "input_size": [3, 32, 48], "global_pool": "avg"}
    flat |= {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "labels": ["ant", "bee"]}
    (tmp_path / "config.json").write_text(json.dumps(flat))
    theirs, *_ = peer_module("timm.models._hub")._parse_model_cfg(dict(flat), {})
    assert read_config(tmp_path / "model.safetensors") == {
        "image_size": tuple(theirs["input_size"][1:]),
        "activation": "gelu",
        "pool": "mean",
        "class_names": tuple(theirs["label_names"]),
        "rescaling": rescaling_of(theirs["mean"], theirs["std"]),
    }
