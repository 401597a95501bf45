import numpy as np
import pytest

from keras_vit.inspection import calibration


def test_a_case_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    labels = np.array([0, 1, 1, 1])  # the second is wrong
    found = calibration(probabilities, labels, bins=4)
    np.testing.assert_allclose(found.edges, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(found.count, [0, 0, 2, 2])
    np.testing.assert_allclose(found.confidence, [np.nan, np.nan, 0.65, 0.85])
    np.testing.assert_allclose(found.accuracy, [np.nan, np.nan, 1.0, 0.5])
    np.testing.assert_allclose(found.ece, (2 * 0.35 + 2 * 0.35) / 4)


def test_the_error_is_the_papers_sum_over_bins():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.full(5, 0.3), 1000)
    labels = rng.integers(0, 5, 1000)
    expected = 0
    for m in range(15):
        confidence = probabilities.max(axis=1)
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            right = probabilities[inside].argmax(axis=1) == labels[inside]
            expected += inside.mean() * abs(right.mean() - confidence[inside].mean())
    np.testing.assert_allclose(calibration(probabilities, labels).ece, expected)


def test_certainty_that_is_right_has_no_error_and_certainty_that_is_wrong_has_all():
    certain = np.eye(3)
    assert calibration(certain, [0, 1, 2]).ece == 0
    assert calibration(certain, [1, 2, 0]).ece == 1


def test_arrays_that_are_no_probabilities_are_refused():
    with pytest.raises(ValueError, match=r"Received: shapes \(2, 3\) and \(3,\)"):
        calibration(np.full((2, 3), 1 / 3), [0, 1, 2])
    with pytest.raises(ValueError, match="softmax"):
        calibration(np.array([[2.0, -1.0]]), [0])
    with pytest.raises(ValueError, match="`bins` must be 1 or more. Received: bins=0"):
        calibration(np.eye(2), [0, 1], bins=0)
