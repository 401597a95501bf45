import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import HybridViT, ResNet, ViT
from keras_vit.train.layerwise_rates import LayerwiseAdamW, LayerwiseSGD, layerwise_rates
from keras_vit.train.optimizers import optimizer
from tests.few_steps import JIT_COMPILE
from tests.peers import peer_module

SMALL = {"hidden_dim": 16, "depth": 2, "num_heads": 2, "mlp_dim": 16, "num_classes": 3}


def small():
    return ViT((8, 8, 3), **SMALL)


def test_the_factors_are_timms_but_for_the_last_norm():
    """timm counts the last norm to the last block; BEiT and MAE, as here, to the head."""
    vit = peer_module("timm.models.vision_transformer").VisionTransformer(
        img_size=8, patch_size=4, embed_dim=16, depth=2, num_heads=2, num_classes=3
    )
    groups = peer_module("timm.optim").param_groups_layer_decay(vit, layer_decay=0.6)
    names = {id(p): name for name, p in vit.named_parameters()}
    theirs = {names[id(p)]: g["lr_scale"] for g in groups for p in g["params"]}
    ours = layerwise_rates(small(), 0.6)
    assert len(ours) == len(theirs)
    pairs = {
        "patch_encoder/class_token": "cls_token",
        "patch_encoder/positions": "pos_embed",
        "patch_encoder/projection/kernel": "patch_embed.proj.weight",
        "block_0/norm_1/gamma": "blocks.0.norm1.weight",
        "block_0/attention/qkv/kernel": "blocks.0.attn.qkv.weight",
        "block_0/mlp/dense_2/bias": "blocks.0.mlp.fc2.bias",
        "block_1/attention/projection/bias": "blocks.1.attn.proj.bias",
        "block_1/mlp/dense_1/kernel": "blocks.1.mlp.fc1.weight",
        "head/kernel": "head.weight",
    }
    for path, name in pairs.items():
        assert ours[path] == pytest.approx(theirs[name])
    assert ours["norm/gamma"] == 1
    assert ours["norm/gamma"] == pytest.approx(theirs["norm.weight"] / 0.6)


def test_a_hybrids_resnet_is_below_its_blocks():
    rates = layerwise_rates(HybridViT(**SMALL), 0.5)
    backbone = {rate for path, rate in rates.items() if path.startswith("backbone/")}
    assert backbone == {0.125}


@pytest.mark.backends
def test_the_decay_is_scaled_with_the_rate_and_spares_all_but_kernels():
    """With gradients of zero a step is the decay alone: w * (1 - rate * factor * decay)."""
    model = small()
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape))
    adamw = optimizer("adamw", model, 0.1, weight_decay=0.5, layer_decay=0.5)
    variables = model.trainable_variables
    for _ in range(2):
        adamw.apply([ops.zeros(v.shape) for v in variables], variables)
    assert adamw.weight_decay == 0.5
    factor = {"patch_encoder/projection": 0.125, "block_0": 0.25, "block_1": 0.5, "head": 1.0}
    for variable in variables:
        expected = 1.0
        if variable.path.endswith("kernel"):
            (of_layer,) = [f for name, f in factor.items() if variable.path.startswith(name)]
            expected = (1 - 0.1 * of_layer * 0.5) ** 2
        np.testing.assert_allclose(ops.convert_to_numpy(variable.value), expected, rtol=1e-6)


@pytest.mark.backends
@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_the_update_is_scaled_not_the_gradient(name):
    """Every update, over three steps, is the plain optimizer's times the factor."""
    rng = np.random.default_rng(0)
    model, plain = small(), small()
    ours = optimizer(name, model, 0.01, weight_decay=0.0, layer_decay=0.5, global_clipnorm=1.0)
    theirs = optimizer(name, plain, 0.01, weight_decay=0.0, global_clipnorm=1.0)
    start = [ops.convert_to_numpy(v.value).copy() for v in model.trainable_variables]
    plain_start = [ops.convert_to_numpy(v.value).copy() for v in plain.trainable_variables]
    for _ in range(3):
        gradients = [rng.normal(size=v.shape).astype("float32") for v in plain.trainable_variables]
        for each, of in ((ours, model), (theirs, plain)):
            each.apply([ops.convert_to_tensor(g) for g in gradients], of.trainable_variables)
    rates = layerwise_rates(model, 0.5)
    for i, (variable, other) in enumerate(
        zip(model.trainable_variables, plain.trainable_variables, strict=True)
    ):
        moved = ops.convert_to_numpy(variable.value) - start[i]
        expected = (ops.convert_to_numpy(other.value) - plain_start[i]) * rates[variable.path]
        assert np.abs(moved).max() > 0
        np.testing.assert_allclose(moved, expected, atol=2e-7)


@pytest.mark.backends
@pytest.mark.parametrize("kind", [LayerwiseAdamW, LayerwiseSGD])
def test_the_compiled_step_trains_at_the_rates_and_the_config_keeps_them(kind):
    model = small()
    frozen = {v.path: 0.0 for v in model.trainable_variables if not v.path.startswith("head")}
    made = kind.from_config(kind(0.1, rates=frozen).get_config())
    before = [np.array(w) for w in model.get_weights()]
    model.compile(
        made, keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=JIT_COMPILE
    )
    images = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3))
    model.fit(images.astype("uint8"), np.arange(6) % 3, verbose=0, batch_size=6)
    moved = {
        v.path
        for v, old in zip(model.weights, before, strict=True)
        if np.any(ops.convert_to_numpy(v.value) != old)
    }
    assert moved == {"head/kernel", "head/bias"}


def test_what_makes_no_rates_is_refused():
    with pytest.raises(ValueError, match="Received: decay=0"):
        layerwise_rates(small(), 0)
    with pytest.raises(ValueError, match="Transformer blocks"):
        layerwise_rates(ResNet(18, (8, 8, 3), num_classes=3), 0.5)
    with pytest.raises(ValueError, match=r"'adam'"):
        optimizer("adam", small(), 0.1, 0.0, layer_decay=0.5)
    with pytest.raises(ValueError, match="sgd `weight_decay` must be 0"):
        optimizer("sgd", small(), 0.1, 0.1)
