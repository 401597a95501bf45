"""Mixup and CutMix against their definitions, and their draws against their distributions."""

import keras
import numpy as np
import pytest

from keras_vit.augment import Mixing
from keras_vit.augment.mixing import beta_quantiles

pytestmark = pytest.mark.backends


def mixed(layer, images, **arguments):
    return tuple(keras.ops.convert_to_numpy(x) for x in layer(images, **arguments))


@pytest.fixture(scope="module")
def levels():
    """An array (4000, 8, 12, 1), in which image i has the value i everywhere."""
    return np.broadcast_to(
        np.arange(4000, dtype="float32")[:, None, None, None], (4000, 8, 12, 1)
    ).copy()


@pytest.mark.parametrize("alpha", [0.2, 0.8, 1.0, 4.0])
def test_weights_are_beta_distributed(alpha, levels):
    stats = pytest.importorskip("scipy.stats")
    _, _, weight = mixed(Mixing(mixup=alpha, seed=3), levels)
    weight = weight.astype("float64")
    assert stats.kstest(weight, stats.beta(alpha, alpha).cdf).pvalue > 0.001
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(weight.mean() - 0.5) < 3.29 * np.sqrt(variance / len(weight))
    assert weight.var() == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 8.0])
def test_quantile_table_has_the_moments_of_beta(alpha):
    table = beta_quantiles(alpha).astype("float64")
    middle = (table[1:] + table[:-1]) / 2
    assert middle.mean() == pytest.approx(0.5, abs=1e-6)
    assert middle.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=5e-3)
    assert np.all(np.diff(table) >= 0)


def test_mixup_is_the_weighted_sum_of_image_and_partner(levels):
    images, partner, weight = mixed(Mixing(mixup=1.0, seed=1), levels)
    both = (
        weight[:, None, None, None] * levels + (1 - weight)[:, None, None, None] * levels[partner]
    )
    np.testing.assert_allclose(images, both, rtol=1e-4, atol=1e-2)


def test_cutmix_pastes_one_box_and_weighs_by_its_pixels(levels):
    images, partner, weight = mixed(Mixing(cutmix=1.0, seed=1), levels)
    pasted = images != levels
    np.testing.assert_array_equal(np.where(pasted, levels[partner], levels), images)
    np.testing.assert_allclose(1 - pasted.mean(axis=(1, 2, 3)), weight, atol=1e-6)
    rows, columns = pasted.any(axis=(2, 3)), pasted.any(axis=(1, 3))
    np.testing.assert_array_equal(
        pasted[..., 0], rows[:, :, None] & columns[:, None, :], err_msg="not a box"
    )
    for sides in (rows, columns):
        starts = np.diff(np.pad(sides.astype(int), ((0, 0), (1, 0))), axis=1) == 1
        assert starts.sum(axis=1).max() == 1
        # Every place is reached; boxes that the edge cuts off reach the corners.
        assert sides.any(axis=0).all()


def test_cutmix_boxes_have_the_papers_area():
    # NumPy draws boxes as the paper does: sides of √(1 - λ) and a uniform centre, cut off at the
    # edges. The images have 128×128 pixels, so that rounding to whole pixels matters little.
    rng = np.random.default_rng(0)
    half = np.sqrt(1 - rng.random(200_000)) / 2
    centre = rng.random((2, 200_000))
    area = np.prod(np.minimum(centre + half, 1) - np.maximum(centre - half, 0), axis=0)
    _, _, weight = mixed(Mixing(cutmix=1.0, seed=2), np.zeros((1000, 128, 128, 1), "uint8"))
    assert (1 - weight).mean() == pytest.approx(area.mean(), abs=3.29 * area.std() / 1000**0.5)


def test_both_are_taken_with_equal_chance(levels):
    images, partner, weight = mixed(Mixing(mixup=1.0, cutmix=1.0, seed=5), levels)
    values = images.reshape(len(images), -1)
    blended = (values.min(axis=1) == values.max(axis=1)) & (weight < 1) & (weight > 0)
    # A CutMix box can be empty (weight 1) or the whole image (weight 0). All other images of CutMix
    # have two values, while an image of mixup has one.
    assert abs(blended.sum() - 2000) < 3.29 * 1000**0.5
    both = weight[:, None] * levels[:, 0, :1, 0] + (1 - weight)[:, None] * levels[partner, 0, :1, 0]
    np.testing.assert_allclose(values.mean(axis=1)[:, None], both, rtol=1e-4, atol=1e-2)


def test_partner_is_any_other_image():
    layer, images = Mixing(mixup=1.0, seed=0), np.zeros((5, 2, 2, 1), "float32")
    shifts = []
    for _ in range(100):
        _, partner, _ = mixed(layer, images)
        assert sorted(partner) == list(range(5))
        shifts.append((partner[0] - 0) % 5)
    counts = np.bincount(shifts, minlength=5)
    assert counts[0] == 0
    # 99.9 % of a chi-squared distribution with 3 degrees of freedom lie below 16.3.
    assert np.sum((counts[1:] - 25) ** 2) / 25 < 16.3


def test_a_batch_of_one_is_its_own_partner(photographs):
    images, partner, _ = mixed(Mixing(mixup=1.0, cutmix=1.0), photographs[:1])
    np.testing.assert_allclose(images, photographs[:1], atol=1e-3)
    assert partner.tolist() == [0]


@pytest.mark.parametrize("arguments", [{"training": False}, {}])
def test_off_is_the_identity(arguments, photographs):
    layer = Mixing() if not arguments else Mixing(mixup=1.0)
    images, partner, weight = mixed(layer, photographs, **arguments)
    np.testing.assert_array_equal(images, photographs)
    np.testing.assert_array_equal(partner, np.arange(4))
    np.testing.assert_array_equal(weight, 1)


def test_single_image_is_refused(photographs):
    with pytest.raises(ValueError, match=r"Received: shape=\(32, 32, 3\)"):
        Mixing(mixup=1.0)(photographs[0])


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"mixup": -0.1}, "mixup=-0.1"),
        ({"cutmix": "on"}, "cutmix=on"),
        ({"cutmix": float("inf")}, "cutmix=inf"),
    ],
)
def test_bad_arguments_are_named(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        Mixing(**arguments)
