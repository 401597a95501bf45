"""The share, the fairness and the repeatability of RandomMasking."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import RandomMasking
from keras_vit.layers.random_masking import take_tokens

TOKENS = np.random.default_rng(0).normal(size=(512, 16, 3)).astype("float32")


def masked(layer, tokens=TOKENS, training=True):
    return [ops.convert_to_numpy(x) for x in layer(tokens, training=training)]


@pytest.mark.backends
def test_each_image_takes_its_own_tokens():
    indices = np.random.default_rng(1).integers(0, 16, (512, 5))
    expected = np.stack([x[chosen] for x, chosen in zip(TOKENS, indices, strict=True)])
    np.testing.assert_array_equal(ops.convert_to_numpy(take_tokens(TOKENS, indices)), expected)


@pytest.mark.backends
def test_what_stays_what_goes_and_the_way_back_agree():
    visible, mask, restore = masked(RandomMasking(0.75, seed=0))
    assert visible.shape == (512, 4, 3)
    for image in range(len(TOKENS)):
        assert sorted(restore[image]) == list(range(16))
        np.testing.assert_array_equal(mask[image], restore[image] >= 4)
        for token in np.flatnonzero(mask[image] == 0):
            np.testing.assert_array_equal(
                visible[image, restore[image, token]], TOKENS[image, token]
            )


@pytest.mark.parametrize(("ratio", "dropped"), [(0.75, 12), (0.9, 14), (0.05, 1), (0.94, 15)])
def test_exactly_the_stated_share_goes_in_every_image(ratio, dropped):
    _, mask, _ = masked(RandomMasking(ratio, seed=0))
    np.testing.assert_array_equal(mask.sum(axis=1), dropped)


@pytest.mark.backends
def test_every_token_and_every_pair_goes_equally_often():
    """The shares in 4,096 draws are within five standard deviations of the hypergeometric's."""
    tokens = np.zeros((4096, 16, 1), "float32")
    _, mask, _ = masked(RandomMasking(0.75, seed=3), tokens)
    deviation = np.sqrt(0.75 * 0.25 / 4096)
    np.testing.assert_allclose(mask.mean(axis=0), 0.75, rtol=0, atol=5 * deviation)
    pairs = (mask.T @ mask / 4096)[np.triu_indices(16, 1)]
    both = 12 / 16 * 11 / 15
    deviation = np.sqrt(both * (1 - both) / 4096)
    np.testing.assert_allclose(pairs, both, rtol=0, atol=5 * deviation)


@pytest.mark.backends
def test_training_draws_anew_by_the_seed_and_inference_always_the_same():
    layer = RandomMasking(0.75, seed=7)
    first, second = (masked(layer)[1] for _ in range(2))
    assert (first != second).any(axis=1).mean() > 0.9
    assert (first != first[0]).any(axis=1).mean() > 0.9  # each image has a draw of its own
    again = RandomMasking(0.75, seed=7)
    np.testing.assert_array_equal(masked(again)[1], first)
    np.testing.assert_array_equal(masked(again)[1], second)
    assert (masked(RandomMasking(0.75, seed=8))[1] != first).any()
    still = [masked(other, training=False)[1] for other in (layer, layer, RandomMasking(0.75))]
    np.testing.assert_array_equal(still[0], still[1])
    np.testing.assert_array_equal(still[0], still[2])
    assert (still[0] != still[0][0]).any(axis=1).mean() > 0.9


def test_bfloat16_tokens_are_neither_rounded_nor_drawn_in_bfloat16():
    layer = RandomMasking(0.75, dtype="mixed_bfloat16")
    visible, mask, _ = layer(ops.cast(TOKENS, "bfloat16"), training=False)
    assert keras.backend.standardize_dtype(visible.dtype) == "bfloat16"
    np.testing.assert_array_equal(
        ops.convert_to_numpy(mask), masked(RandomMasking(0.75), training=False)[1]
    )


@pytest.mark.parametrize("ratio", [0, 1, -0.1, 75])
def test_a_share_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match=f"Received: mask_ratio={ratio}"):
        RandomMasking(ratio)


@pytest.mark.parametrize(("ratio", "kept"), [(0.01, 16), (0.99, 0)])
def test_a_share_that_leaves_all_or_nothing_is_refused(ratio, kept):
    refusal = f"keeps {kept} of 16 tokens.*Received: mask_ratio={ratio}, num_tokens=16"
    with pytest.raises(ValueError, match=refusal):
        RandomMasking(ratio)(TOKENS)
