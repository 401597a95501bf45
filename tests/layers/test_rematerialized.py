"""Blocks that are computed again in the backward pass."""

from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import AugmentedModel, ViT
from keras_vit.layers.rematerialized import is_seed, remat_scope

pytestmark = [pytest.mark.medium, pytest.mark.backends]

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (8, 8, 8, 3)).astype("uint8")
Y = RNG.integers(0, 10, 8)


def trainer_of(remat, drop=0.2):
    with remat_scope() if remat else nullcontext():
        model = ViT(
            (8, 8, 3),
            patch_size=2,
            hidden_dim=16,
            depth=2,
            num_heads=2,
            mlp_dim=64,
            dropout=drop,
            drop_path=drop,
        )
    for i, variable in enumerate(model.trainable_variables):
        value = np.random.default_rng(i).normal(0, 0.2, variable.shape)
        variable.assign(value.astype("float32"))
    for i, variable in enumerate(v for v in model.non_trainable_variables if is_seed(v)):
        variable.assign(np.array([i, 0], "uint32"))
    trainer = AugmentedModel(model)
    trainer.compile(keras.optimizers.SGD(0.1))
    return trainer


def test_training_is_the_same_also_with_dropout():
    weights = []
    for remat in (False, True):
        trainer = trainer_of(remat)
        keras.utils.set_random_seed(1)  # PyTorch's dropout draws from its own generator
        for _ in range(2):
            trainer.train_on_batch(X, Y)
        weights.append([ops.convert_to_numpy(v) for v in trainer.trainable_variables])
    for plain, again in zip(*weights, strict=True):
        np.testing.assert_allclose(again, plain, rtol=1e-4, atol=1e-6)


def test_the_next_step_draws_another_mask():
    trainer = trainer_of(remat=True)
    trainer.train_on_batch(X, Y)
    states = [ops.convert_to_numpy(v) for v in trainer.non_trainable_variables if is_seed(v)]
    inside = states[1:]  # the first state belongs to the patch encoder, which is not a block
    assert all(state[1] == 1 for state in inside)


def test_less_is_kept_for_the_backward_pass():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow does not say what it keeps")
    plain, again = (kept_bytes(trainer_of(remat, drop=0.0)) for remat in (False, True))
    assert again < 0.5 * plain


def kept_bytes(trainer):
    """Return how many bytes are kept between the forward and the backward pass."""
    if keras.backend.backend() == "torch":
        import torch

        kept = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor
        ):
            trainer(torch.tensor(X), training=True)
        return sum(tensor.numel() * tensor.element_size() for tensor in kept)
    import jax

    weights, others = (
        [v.value for v in variables]
        for variables in (trainer.trainable_variables, trainer.non_trainable_variables)
    )
    _, backward = jax.vjp(lambda w: trainer.stateless_call(w, others, X, training=True)[0], weights)
    return sum(residual.nbytes for residual in jax.tree_util.tree_leaves(backward))
