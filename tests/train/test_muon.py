"""Muon with queries, keys and values apart, against Keras's own on three matrices and numpy."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import MaskedAutoencoder, ViT
from keras_vit.train.muon import SplitMuon
from keras_vit.train.optimizers import optimizer

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
START = RNG.normal(size=(8, 24)).astype("float32")
GRADIENTS = RNG.normal(size=(3, 8, 24)).astype("float32")


def stepped(make, starts, gradients, path):
    """Values after steps along gradients, a list of one for each variable a step."""
    variables = [keras.Variable(start, name="kernel") for start in starts]
    for i, variable in enumerate(variables):
        variable._path = path.format(i)
    taken = make(0.1, weight_decay=None)
    taken.build(variables)
    for step in gradients:
        taken.apply([ops.convert_to_tensor(g) for g in step], variables)
    return [ops.convert_to_numpy(v) for v in variables]


@pytest.mark.parametrize("nesterov", [True, False])
def test_a_qkv_kernel_moves_as_its_three_matrices_would(nesterov):
    def split(*args, **kwargs):
        return SplitMuon(*args, nesterov=nesterov, **kwargs)

    def own(*args, **kwargs):
        return keras.optimizers.Muon(*args, nesterov=nesterov, **kwargs)

    [together] = stepped(split, [START], [[g] for g in GRADIENTS], "block/attention/qkv/kernel")
    thirds = [np.split(g, 3, axis=1) for g in GRADIENTS]
    apart = stepped(own, np.split(START, 3, axis=1), thirds, "block/part_{}/kernel")
    np.testing.assert_allclose(together, np.concatenate(apart, axis=1), atol=1e-5)
    [as_one] = stepped(own, [START], [[g] for g in GRADIENTS], "block/attention/qkv/kernel")
    assert np.abs(as_one - together).max() > 0.01, "as one matrix it would move otherwise"


def test_the_step_of_a_matrix_is_nearly_orthogonal():
    """Of the size that numpy's singular vectors give: 0.1 x 0.2 x √12 x U V^T, within Muon's own
    tolerance, singular values of 0.7 to 1.2."""
    start, gradient = START[:, :12], GRADIENTS[0][:, :12]
    [moved] = stepped(SplitMuon, [start], [[gradient]], "block/mlp/dense_1/kernel")
    values = np.linalg.svd((start - moved) / (0.1 * 0.2 * 12**0.5), compute_uv=False)
    assert values.min() > 0.6
    assert values.max() < 1.3
    u, _, v = np.linalg.svd(gradient, full_matrices=False)
    direction = (start - moved).ravel() @ (u @ v).ravel()
    assert direction / np.linalg.norm(start - moved) / np.linalg.norm(u @ v) > 0.97


@pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="elsewhere Keras's own step is taken"
)
@pytest.mark.parametrize("others", [{}, {"nesterov": False, "rms_rate": None}])
def test_on_pytorch_all_weights_together_move_as_one_by_one(others):
    def trained(kind):
        keras.utils.set_random_seed(0)
        model = ViT((8, 8, 1), 2, 3, hidden_dim=12, depth=2, num_heads=2, mlp_dim=24)
        weights = model.trainable_variables
        rate = keras.optimizers.schedules.PolynomialDecay(1e-2, 10)
        rules = {"adam_beta_1": 0.8, "adam_lr_ratio": 0.5, "weight_decay": 0.1}
        taken = kind(rate, **rules, adam_weight_decay=0.2, **others)
        taken.build(weights)
        rng = np.random.default_rng(1)
        for _ in range(4):
            gradients = [rng.normal(size=v.shape).astype("float32") for v in weights]
            taken.apply([ops.convert_to_tensor(g) for g in gradients])
        return [ops.convert_to_numpy(v) for v in (*weights, *taken.variables)]

    class OneByOne(SplitMuon):
        _backend_update_step = keras.optimizers.Muon._backend_update_step
        _apply_weight_decay = keras.optimizers.Muon._apply_weight_decay

    for ours, theirs in zip(trained(SplitMuon), trained(OneByOne), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_it_is_for_the_matrices_of_the_blocks_alone():
    model = ViT((8, 8, 1), 2, 3, hidden_dim=8, depth=1, num_heads=2, mlp_dim=16)
    taken = optimizer("muon", model, 1e-3, 0.1)
    taken.build(model.trainable_variables)
    by_muon = {v.path for v in model.trainable_variables if not taken._should_use_adamw(v)}
    assert by_muon == {
        f"block_0/{name}/kernel"
        for name in ("attention/qkv", "attention/projection", "mlp/dense_1", "mlp/dense_2")
    }
    decayed = {v.name for v in model.trainable_variables if taken._use_weight_decay(v)}
    assert decayed == {"kernel"}


def test_the_last_layer_of_a_masked_autoencoder_is_left_to_adamw():
    model = MaskedAutoencoder(ViT((8, 8, 1), 2, 0, 8, 1, 2, 16), decoder_dim=8, decoder_heads=2)
    taken = optimizer("muon", model, 1e-3, 0.1)
    taken.build(model.trainable_variables)
    [last] = [v for v in model.trainable_variables if v.path.endswith("prediction/kernel")]
    assert taken._should_use_adamw(last)


def test_products_of_bfloat16_give_nearly_the_same_step():
    """8 bits, and five times a polynomial that rises steeply at zero."""
    [exact] = stepped(SplitMuon, [START], [[GRADIENTS[0]]], "block/attention/qkv/kernel")

    def halves(*args, **kwargs):
        return SplitMuon(*args, products="bfloat16", **kwargs)

    [half] = stepped(halves, [START], [[GRADIENTS[0]]], "block/attention/qkv/kernel")
    assert 0 < np.linalg.norm(half - exact) / np.linalg.norm(exact - START) < 0.1


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_it_multiplies_in_bfloat16_where_the_model_does(policy):
    model = ViT((8, 8, 1), 2, 3, hidden_dim=12, depth=1, num_heads=2, dtype=policy)
    taken = optimizer("muon", model, 0.01, 0.1)
    assert taken.products == ("bfloat16" if policy == "mixed_bfloat16" else "float32")
    assert SplitMuon.from_config(taken.get_config()).products == taken.products


def test_other_products_are_refused():
    with pytest.raises(ValueError, match="one of .* Received: products='float16'"):
        SplitMuon(0.1, products="float16")


KERNELS = RNG.normal(size=(2, 3, 3, 4, 6)).astype("float32")
KERNEL_GRADIENTS = RNG.normal(size=(3, 2, 3, 3, 4, 6)).astype("float32")


def as_published(kernel, gradients, rate, momentum, steps):
    """The step of airbench94_muon.py, in numpy, for a kernel (h, w, in, out)."""
    p = kernel.transpose(3, 2, 0, 1).astype("float64")
    buffer = np.zeros_like(p)
    for g in gradients:
        g = g.transpose(3, 2, 0, 1)
        buffer = momentum * buffer + g
        x = (g + momentum * buffer).reshape(len(p), -1)
        x = x / (np.linalg.norm(x) + 1e-7)
        for _ in range(steps):
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        p = p * (len(p) ** 0.5 / np.linalg.norm(p)) - rate * x.reshape(p.shape)
    return p.transpose(2, 3, 1, 0)


def test_kernels_of_convolutions_take_the_published_step():
    def convolutional(rate, **kwargs):
        return SplitMuon(rate, convolution_rate=2.5, momentum=0.6, ns_steps=3, **kwargs)

    moved = stepped(convolutional, KERNELS, KERNEL_GRADIENTS, "group_0/conv_{}/kernel")
    for i, kernel in enumerate(KERNELS):
        expected = as_published(kernel, KERNEL_GRADIENTS[:, i], 0.25, 0.6, 3)
        np.testing.assert_allclose(moved[i], expected, atol=1e-4)


def test_kernels_of_convolutions_are_adamws_where_nothing_is_said():
    variables = [keras.Variable(KERNELS[0], name="kernel")]
    variables[0]._path = "patches/conv_0/kernel"
    for rate, adamw in ((None, True), (2.0, False)):
        assert SplitMuon(0.1, convolution_rate=rate).uses_adamw(variables[0]) is adamw
    excluding = SplitMuon(0.1, convolution_rate=2.0, exclude_layers=["patch"])
    assert excluding.uses_adamw(variables[0])
    assert SplitMuon.from_config(excluding.get_config()).convolution_rate == 2.0
    with pytest.raises(ValueError, match="convolution_rate=0"):
        SplitMuon(0.1, convolution_rate=0)
