"""AutoAugment against torchvision's pixels, and its draws against their distributions."""

import math

import keras
import numpy as np
import pytest

from keras_vit.augment import AutoAugment, policies

pytestmark = pytest.mark.backends

EXACT = ("Invert", "Solarize", "Posterize", "AutoContrast", "Equalize")
MOVES = ("TranslateX", "TranslateY", "ShearX", "ShearY", "Rotate")


def cases(expected, names, mode="nearest"):
    for key, pixels in expected.items():
        if key.startswith("operation/"):
            _, name, magnitude, kind, its_mode = key.split("/")
            if name in names and its_mode == mode:
                layer = AutoAugment(interpolation=mode)
                outputs = layer.apply_operation(
                    expected[kind][: len(pixels)], name, float(magnitude)
                )
                yield key, keras.ops.convert_to_numpy(outputs), pixels.astype("float32")


def test_curves_are_torchvisions_exactly(expected):
    seen = 0
    for key, outputs, pixels in cases(expected, EXACT):
        np.testing.assert_array_equal(outputs, pixels, err_msg=key)
        seen += 1
    assert seen == 27


def test_enhancements_are_torchvisions_within_one(expected):
    seen = 0
    for key, outputs, pixels in cases(expected, ("Brightness", "Contrast", "Color", "Sharpness")):
        difference = np.abs(outputs - pixels)
        assert difference.max() <= 1, key
        assert np.mean(difference > 0) < 0.1, key
        seen += 1
    assert seen == 72


def test_moves_are_torchvisions(expected):
    seen = 0
    for key, outputs, pixels in cases(expected, MOVES):
        np.testing.assert_array_equal(outputs, pixels, err_msg=key)
        seen += 1
    assert seen == 30


def test_bilinear_moves_are_torchvisions_within_one(expected):
    seen = 0
    for key, outputs, pixels in cases(expected, MOVES, "bilinear"):
        difference = np.abs(outputs - pixels)
        assert difference.max() <= 1, key
        assert np.mean(difference > 0) < 0.05, key
        seen += 1
    assert seen == 30


@pytest.mark.parametrize("case", range(4))
def test_sub_policies_are_torchvisions(expected, case):
    index = np.arange(25)
    outputs = AutoAugment().apply_policy(
        expected["policy_images"][index % 4],
        index,
        np.tile(expected["policy_apply"][case], (25, 1)),
        np.tile(expected["policy_sign"][case], (25, 1)),
    )
    difference = np.abs(keras.ops.convert_to_numpy(outputs) - expected["policy"][:, case])
    for row, pair in zip(difference, policies.POLICIES["cifar10"], strict=True):
        names = {name for name, _, _ in pair}
        if names <= {*EXACT, *MOVES}:
            assert row.max() == 0, pair
        # The first operation may differ by one through rounding, and the second may double that.
        assert row.max() <= 2, pair
        assert row.mean() < 0.4, pair


def test_nothing_applied_is_the_identity(photographs):
    index = np.array([0, 7, 17, 24])
    none = np.zeros((4, 2), bool)
    outputs = AutoAugment().apply_policy(photographs, index, none, np.ones((4, 2)))
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(outputs), photographs)


def test_the_images_handed_in_are_left_as_they_are(photographs):
    images = keras.ops.convert_to_tensor(photographs, dtype="float32")
    for name in ("Rotate", "Contrast", "Equalize"):
        AutoAugment().apply_operation(images, name, 1)
    AutoAugment(seed=0)(images)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(images), photographs)


def test_fill_value_is_what_uncovers(photographs):
    outputs = AutoAugment(fill_value=99).apply_operation(photographs, "TranslateX", 5)
    outputs = keras.ops.convert_to_numpy(outputs)
    np.testing.assert_array_equal(outputs[:, :, :5], 99)
    np.testing.assert_array_equal(outputs[:, :, 5:], photographs[:, :, :-5])


def test_values_between_are_rounded_and_kept_in_range():
    images = np.full((1, 4, 4, 3), 99.6, "float32")
    images[0, 0, 0] = [-3.0, 300.0, 0.4]
    outputs = keras.ops.convert_to_numpy(AutoAugment().apply_operation(images, "Invert"))
    np.testing.assert_array_equal(outputs[0, 1, 1], [155, 155, 155])
    np.testing.assert_array_equal(outputs[0, 0, 0], [255, 0, 255])


def test_tiny_images_are_left_by_sharpness():
    images = np.arange(12, dtype="float32").reshape(1, 2, 2, 3)
    outputs = AutoAugment().apply_operation(images, "Sharpness", -0.5)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(outputs), images)


def test_an_image_of_a_batch_is_as_it_is_alone(expected):
    # Each image must read only its own row of the table, its own curve and its own pixels.
    index = np.arange(25)
    images = expected["policy_images"][index % 4]
    both, signs = np.ones((25, 2), bool), np.where(index[:, None] % 2, [1, -1], [-1, 1])
    layer = AutoAugment()
    together = keras.ops.convert_to_numpy(layer.apply_policy(images, index, both, signs))
    for i in (0, 4, 6, 9, 17, 22):
        alone = layer.apply_policy(images[[i]], index[[i]], both[[i]], signs[[i]])
        np.testing.assert_allclose(keras.ops.convert_to_numpy(alone)[0], together[i], atol=1)


# The tests below compare the draws with the binomial distribution, in which 99.9 % of all draws lie
# within 3.29 standard deviations. Each seed is fixed, so a test always passes or always fails.

DRAWS = 10_000


@pytest.fixture(scope="module")
def drawn():
    """The draws `index`, `apply` and `sign` for 10,000 images."""
    layer = AutoAugment(seed=12)
    seen = []
    layer._apply = lambda images, *draws: seen.append(draws) or images
    layer(np.zeros((DRAWS, 1, 1, 1), "float32"))
    return tuple(keras.ops.convert_to_numpy(draw) for draw in seen[0])


def assert_frequency(hits, count, probability):
    spread = 3.29 * math.sqrt(max(count * probability * (1 - probability), 1e-9))
    assert abs(hits - count * probability) <= spread, (hits, count, probability)


def test_sub_policies_are_drawn_evenly(drawn):
    index, _, _ = drawn
    counts = np.bincount(index, minlength=25)
    assert len(counts) == 25
    # 99.9 % of a chi-squared distribution with 24 degrees of freedom lie below 51.2.
    assert np.sum((counts - DRAWS / 25) ** 2) / (DRAWS / 25) < 51.2


def test_each_operation_is_applied_with_its_probability(drawn):
    index, apply, _ = drawn
    for i, pair in enumerate(policies.POLICIES["cifar10"]):
        for slot, (_, probability, _) in enumerate(pair):
            chosen = apply[index == i, slot]
            assert_frequency(chosen.sum(), len(chosen), probability)


def test_the_two_operations_are_drawn_independently(drawn):
    index, apply, _ = drawn
    for i, ((_, first, _), (_, second, _)) in enumerate(policies.POLICIES["cifar10"]):
        chosen = apply[index == i]
        assert_frequency(chosen.all(axis=1).sum(), len(chosen), first * second)


def test_signs_are_even_and_independent(drawn):
    _, _, sign = drawn
    assert set(np.unique(sign)) == {-1, 1}
    for slot in range(2):
        assert_frequency((sign[:, slot] > 0).sum(), DRAWS, 0.5)
    assert_frequency((sign[:, 0] == sign[:, 1]).sum(), DRAWS, 0.5)


def test_policy_is_the_one_that_torchvision_holds(expected):
    # torchvision holds no level for operations that do not use one.
    ours = [
        [
            (name, str(p), "None" if name in ("Invert", "Equalize", "AutoContrast") else str(level))
            for name, p, level in pair
        ]
        for pair in policies.POLICIES["cifar10"]
    ]
    np.testing.assert_array_equal(np.array(ours), expected["policy_table"])


@pytest.mark.parametrize(
    ("name", "level", "torchvision", "omihub777"),
    [
        ("ShearX", 9, -0.3, -0.3),
        ("TranslateX", 9, -14, -150 / 331 * 32),
        ("TranslateY", 9, -7, -150 / 331 * 16),
        ("Rotate", 2, -60 / 9, 60 / 9),
        ("Posterize", 7, 5, 5),
        ("Solarize", 3, 170, 256 * 6 / 9),
        ("Solarize", 0, 255, 256),
        ("Color", 9, -0.9, -0.9),
        ("Invert", 9, 0, 0),
    ],
)
def test_levels(name, level, torchvision, omihub777):
    ours = [policies.magnitude(name, level, -1, whose, 16, 32) for whose in policies.LEVELS]
    assert ours == pytest.approx([torchvision, omihub777])


def test_posterize_levels():
    bits = [policies.magnitude("Posterize", k, 1, "torchvision", 32, 32) for k in range(10)]
    assert bits == [8, 8, 7, 7, 6, 6, 5, 5, 4, 4]


def test_levels_reach_the_pixels(photographs):
    # Sub-policy 1 rotates first. With omihub777 a rotation has only one direction.
    def rotated(levels, sign):
        return keras.ops.convert_to_numpy(
            AutoAugment(levels=levels).apply_policy(
                photographs[:1], [1], [[True, False]], [[sign, 1]]
            )
        )

    assert np.any(rotated("torchvision", 1) != rotated("torchvision", -1))
    np.testing.assert_array_equal(rotated("omihub777", -1), rotated("torchvision", 1))


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        ({"policy": "imagenet"}, "policy=imagenet"),
        ({"levels": "timm"}, "levels=timm"),
        ({"interpolation": "bicubic"}, "interpolation=bicubic"),
        ({"fill_value": 256}, "fill_value=256"),
        ({"fill_value": -1}, "fill_value=-1"),
        ({"fill_value": "grey"}, "fill_value=grey"),
    ],
)
def test_bad_arguments_are_named(arguments, received):
    with pytest.raises(ValueError, match=f"Received: {received}"):
        AutoAugment(**arguments)


def test_bad_images_and_operations_are_named(photographs):
    with pytest.raises(ValueError, match=r"Received: shape=\(4, 32, 32, 2\)"):
        AutoAugment()(photographs[..., :2])
    with pytest.raises(ValueError, match="Received: name=Blur"):
        AutoAugment().apply_operation(photographs, "Blur")
