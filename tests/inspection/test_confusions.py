import numpy as np
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from keras_vit.inspection import confusion_matrix, worst_confusions


def test_the_confusion_matrix_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 7, (2, 500))
    np.testing.assert_array_equal(
        confusion_matrix(labels, predicted, 7), sklearn_confusion_matrix(labels, predicted)
    )


def test_the_worst_confusions_come_first_and_leave_out_the_diagonal():
    matrix = np.array([[90, 2, 0], [7, 50, 1], [0, 0, 60]])
    assert worst_confusions(matrix) == [(1, 0, 7), (0, 1, 2), (1, 2, 1)]
    assert worst_confusions(matrix, count=1) == [(1, 0, 7)]
    assert worst_confusions(np.eye(3, dtype=int)) == []
