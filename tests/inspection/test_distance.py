import itertools

import numpy as np
import pytest

from keras_vit import attention_distance


def mean_distance(rows, columns, height, width):
    """Mean distance of all pairs of places, the equal ones too, place by place."""
    places = [(r * height, c * width) for r in range(rows) for c in range(columns)]
    pairs = itertools.product(places, places)
    return np.mean([((a - c) ** 2 + (b - d) ** 2) ** 0.5 for (a, b), (c, d) in pairs])


def test_even_attention_reaches_the_mean_distance_of_the_grid():
    maps = np.full((2, 3, 4, 12, 12), 1 / 12)
    distance = attention_distance(maps, (3, 4), (8, 2))
    np.testing.assert_allclose(distance, np.full((2, 4), mean_distance(3, 4, 8, 2)))
    # On a line of n, the mean of |i - j| is (n² - 1) / 3n.
    np.testing.assert_allclose(attention_distance(maps, (1, 12), 16), 16 * 143 / 36)


def test_attention_to_itself_reaches_nowhere_and_to_one_cell_its_distance():
    stay = np.broadcast_to(np.eye(6), (1, 2, 1, 6, 6))
    assert attention_distance(stay, (2, 3), 16) == 0
    corner = np.zeros((1, 1, 1, 4, 4))
    corner[..., 0] = 1  # on a 2x2 grid of 3x4 pixels: 0, 4, 3 and 5 pixels away
    np.testing.assert_allclose(attention_distance(corner, (2, 2), (3, 4)), [[3.0]])


def test_prefix_tokens_are_dropped_and_the_rest_scaled():
    rng = np.random.default_rng(0)
    patches = rng.dirichlet(np.ones(6), (2, 3, 2, 6))
    maps = rng.dirichlet(np.ones(8), (2, 3, 2, 8))
    maps[..., 2:, :2], maps[..., 2:, 2:] = 0.35, 0.3 * patches
    np.testing.assert_allclose(
        attention_distance(maps, (2, 3), 4), attention_distance(patches, (2, 3), 4)
    )


def test_heads_layers_and_images_are_kept_apart():
    maps = np.broadcast_to(np.eye(4), (2, 2, 2, 4, 4)).copy()
    maps[1, 0, 1] = 1 / 4  # one image of two, in one head of one layer
    expected = mean_distance(2, 2, 5, 5) / 2
    np.testing.assert_allclose(attention_distance(maps, (2, 2), 5), [[0, 0], [0, expected]])


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="5 tokens do not fill a grid of 2x3"):
        attention_distance(np.zeros((1, 1, 1, 5, 5)), (2, 3), 4)
    with pytest.raises(ValueError, match=r"attention_distance needs .* shape=\(5, 5\)"):
        attention_distance(np.zeros((5, 5)), (2, 2), 4)
