"""The closed forms against models that were built, and a compiler's own count."""

import random

import keras
import numpy as np
import pytest

from keras_vit.models import ViT
from keras_vit.tuning import forward_flops, parameter_count

CHOICES = {
    "patch_size": (4, 8),
    "hidden_dim": (16, 32),
    "depth": (1, 2),
    "num_heads": (2, 4),
    "mlp_dim": (8, 24),
    "positions": ("learned", "sincos1d", "sincos2d", None),
    "relative_positions": (None, "rotary", "bias"),
    "pool": ("token", "mean"),
    "class_token": (None, True),
    "patch_embedding": ("linear", "conv", "stem"),
    "num_registers": (0, 2),
    "layer_scale": (None, 1e-5),
    "qk_norm": (False, True),
    "pre_logits": (None, 12),
    "num_classes": (0, 7),
    "image_shape": ((16, 32, 3), (32, 32, 1)),
}


def draw(seed):
    rng = random.Random(seed)
    return {name: rng.choice(values) for name, values in CHOICES.items()}


@pytest.mark.parametrize("seed", range(12))
def test_parameters_are_those_of_the_built_model(seed):
    arguments = draw(seed)
    assert parameter_count(**arguments) == ViT(**arguments).count_params()


def test_kun_vit_is_as_published():
    assert parameter_count() == 6_268_810
    assert 3 * forward_flops() / 1e9 == pytest.approx(2.56, abs=0.005)


def test_one_block_by_hand():
    """4 tokens of width 8, an MLP of 16: every product written out."""
    projection = 4 * (2 * 2 * 3) * 8
    block = 4 * 8 * 24 + 4 * 4 * 8 + 4 * 4 * 8 + 4 * 8 * 8 + 2 * 4 * 8 * 16
    arguments = {"image_shape": (4, 4, 3), "patch_size": 2, "hidden_dim": 8, "mlp_dim": 16}
    flops = forward_flops(**arguments, depth=1, num_heads=2, num_classes=5, pool="mean")
    assert flops == 2 * (projection + block + 8 * 5)


on_jax = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="XLA's own count comes through JAX"
)


def compilers_count(model):
    import jax

    images = np.zeros((1, 32, 32, 3), "float32")
    compiled = jax.jit(lambda x: model(x, training=False)).lower(images).compile()
    return compiled.cost_analysis()["flops"]


def of_every_token(model):
    """With a last block that makes every token, as published counts have it."""
    return keras.Model(model.input, model.output)


SIZES = {"hidden_dim": 128, "depth": 2, "num_heads": 4, "mlp_dim": 256}


@pytest.mark.backends
@on_jax
@pytest.mark.parametrize("patch_embedding", ["linear", "stem"])
def test_operations_are_nearly_what_the_compiler_counts(patch_embedding):
    arguments = {**SIZES, "patch_embedding": patch_embedding}
    count = compilers_count(of_every_token(ViT(**arguments)))
    assert 0.9 * count < forward_flops(**arguments) < count


@pytest.mark.backends
@on_jax
def test_a_class_token_spares_the_last_blocks_other_queries():
    model = ViT(**SIZES)
    spared = compilers_count(of_every_token(model)) - compilers_count(model)
    tokens, width, mlp = 65, 128, 256
    products = 2 * width * width + 2 * width * mlp + 2 * tokens * width
    assert spared == pytest.approx(2 * (tokens - 1) * products, rel=0.1)
