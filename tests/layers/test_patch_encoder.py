"""The order of the tokens and the positions that PatchEncoder adds."""

import numpy as np
import pytest
from keras import ops

from keras_vit import PatchEncoder
from keras_vit.layers.positions import sincos_1d, sincos_2d

pytestmark = pytest.mark.backends

PATCHES = np.random.default_rng(0).normal(size=(2, 6, 8)).astype("float32")


def encode(encoder):
    return ops.convert_to_numpy(encoder(PATCHES))


def test_the_tokens_are_class_token_then_registers_then_patches():
    encoder = PatchEncoder(num_registers=2)
    encode(encoder)
    encoder.class_token.assign(np.full((1, 1, 8), 10.0))
    encoder.registers.assign(np.full((1, 2, 8), 20.0))
    positions = np.arange(7 * 8, dtype="float32").reshape(1, 7, 8)
    encoder.positions.assign(positions)
    tokens = encode(encoder)
    assert tokens.shape == (2, 9, 8)
    np.testing.assert_allclose(tokens[:, 0], np.tile(10 + positions[0, 0], (2, 1)))
    np.testing.assert_array_equal(tokens[:, 1:3], 20.0)
    np.testing.assert_allclose(tokens[:, 3:], PATCHES + positions[:, 1:], rtol=1e-6)


def test_sincos1d_runs_over_class_token_and_patches():
    tokens = encode(PatchEncoder(positions="sincos1d"))
    table = sincos_1d(7, 8)
    np.testing.assert_allclose(tokens[:, 0], np.tile(table[0], (2, 1)), atol=1e-6)
    np.testing.assert_allclose(tokens[:, 1:], PATCHES + table[1:], atol=1e-6)


def test_sincos2d_gives_the_class_token_no_place():
    tokens = encode(PatchEncoder(positions="sincos2d", grid=(2, 3)))
    np.testing.assert_array_equal(tokens[:, 0], 0.0)
    np.testing.assert_allclose(tokens[:, 1:], PATCHES + sincos_2d((2, 3), 8), atol=1e-6)


def test_sincos2d_needs_a_grid_where_the_patches_make_no_square():
    with pytest.raises(ValueError, match="6 patches do not make a square grid.*num_patches=6"):
        encode(PatchEncoder(positions="sincos2d"))


def test_a_grid_that_the_patches_do_not_fill_is_refused():
    with pytest.raises(
        ValueError, match=r"5x5 does not hold 6 patches.*Received: grid=\(5, 5\), num_patches=6"
    ):
        encode(PatchEncoder(grid=(5, 5)))


def test_fixed_positions_are_no_weights():
    encoder = PatchEncoder(positions="sincos1d")
    encode(encoder)
    assert [v.name for v in encoder.weights] == ["class_token"]


def test_unknown_positions_and_negative_registers_are_refused():
    with pytest.raises(ValueError, match="Received: positions='fourier'"):
        PatchEncoder(positions="fourier")
    with pytest.raises(ValueError, match="Received: num_registers=-1"):
        PatchEncoder(num_registers=-1)
