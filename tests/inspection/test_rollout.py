import numpy as np
import pytest

from keras_vit import attention_rollout


def test_three_layers_by_hand():
    # Two heads each, which differ in the first layer alone.
    first = [[[1, 0], [0, 1]], [[0, 1], [0, 1]]]  # mean [[.5, .5], [0, 1]]
    second = [[[0, 1], [1, 0]]] * 2
    third = [[[1, 0], [1, 0]]] * 2
    maps = np.array([first, second, third], "float32")[:, None]
    # Half identity:  [[.75, .25], [0, 1]],  [[.5, .5], [.5, .5]],  [[1, 0], [.5, .5]]
    # Second x first: [[.375, .625], [.375, .625]], and the third mixes two equal rows.
    np.testing.assert_allclose(attention_rollout(maps), [[[0.375, 0.625], [0.375, 0.625]]])
    # Two layers, where the order matters: third x first.
    np.testing.assert_allclose(attention_rollout(maps[[0, 2]]), [[[0.75, 0.25], [0.375, 0.625]]])


def test_rows_sum_to_one_for_every_image_and_rows_that_do_not_are_scaled():
    maps = np.random.default_rng(0).dirichlet(np.ones(6), (4, 3, 2, 6))
    rollout = attention_rollout(maps)
    assert rollout.shape == (3, 6, 6)
    np.testing.assert_allclose(rollout.sum(axis=-1), 1)
    np.testing.assert_allclose(rollout[1], attention_rollout(maps[:, 1:2])[0])
    np.testing.assert_allclose(attention_rollout(3 * maps).sum(axis=-1), 1)


def test_maps_of_another_shape_are_refused():
    for shape in ((3, 2, 4, 4), (1, 3, 2, 4, 5), (1, 0, 2, 4, 4)):
        with pytest.raises(ValueError, match=r"attention_rollout needs .* shape=\("):
            attention_rollout(np.zeros(shape))
