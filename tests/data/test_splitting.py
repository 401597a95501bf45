import numpy as np
import pytest

from keras_vit.data import train_validation_split


def test_every_entry_is_in_one_part_with_its_label():
    y = np.repeat([0, 1, 2], [50, 30, 20])
    x = np.arange(100)
    (x_train, y_train), (x_validation, y_validation) = train_validation_split(x, y, 0.1, seed=3)
    assert sorted([*x_train, *x_validation]) == list(range(100))
    np.testing.assert_array_equal(y_train, y[x_train])
    np.testing.assert_array_equal(y_validation, y[x_validation])
    assert np.bincount(y_validation).tolist() == [5, 3, 2]
    assert (np.diff(x_validation) > 0).all()
    assert (np.diff(x_train) < 0).any()


def test_classes_of_one_and_two_entries():
    y = np.array([0] * 100 + [1] + [2, 2] + [3] * 3)
    for fraction in (0.01, 0.99):
        (_, y_train), (_, y_validation) = train_validation_split(y, y, fraction)
        assert set(y_train) == {0, 1, 2, 3}
        assert set(y_validation) == {0, 2, 3}


def test_seed_fixes_the_split():
    y = np.arange(200) % 5
    first, second, other = (train_validation_split(y, y, 0.3, seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    x = np.arange(200)
    first, other = (train_validation_split(x, y, 0.3, seed)[1][0] for seed in (0, 1))
    assert not np.array_equal(first, other)


def test_errors_name_what_was_received():
    y = np.zeros(4, int)
    with pytest.raises(ValueError, match=r"`fraction` must.*fraction=0"):
        train_validation_split(y, y, 0)
    with pytest.raises(ValueError, match=r"x\.shape=\(3,\), y\.shape=\(4,\)"):
        train_validation_split(y[:3], y)
    with pytest.raises(ValueError, match=r"y\.shape=\(4, 1\)"):
        train_validation_split(y, y[:, None])
    with pytest.raises(ValueError, match="3 labels of 3 classes"):
        train_validation_split(np.arange(3), np.arange(3))
