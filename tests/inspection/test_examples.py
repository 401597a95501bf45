import numpy as np
import pytest

from keras_vit.inspection.examples import examples

LABELS = np.repeat([0, 1, 2, 5], [40, 1, 30, 20])  # in class order, as a folder's are


@pytest.mark.parametrize("count", [1, 3, 4, 8, 30, 91, 200])
def test_they_are_spread_over_the_classes(count):
    chosen = examples(LABELS, count)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, len(LABELS))
    numbers = np.bincount(LABELS[chosen], minlength=6)[[0, 1, 2, 5]]
    left = np.array([40, 1, 30, 20]) - numbers
    assert numbers.max() - numbers[left > 0].min(initial=numbers.max()) <= 1
    assert (np.diff(LABELS[chosen]) >= 0).all()


def test_more_of_them_hold_the_fewer_and_the_seed_decides():
    assert set(examples(LABELS, 4)) < set(examples(LABELS, 12))
    np.testing.assert_array_equal(examples(LABELS, 8, 3), examples(LABELS, 8, 3))
    assert examples(LABELS, 8, 3).tolist() != examples(LABELS, 8, 4).tolist()
