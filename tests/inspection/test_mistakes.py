import numpy as np
import pytest

from keras_vit.inspection import confident_mistakes

PROBABILITIES = np.array([[0.9, 0.1], [0.2, 0.8], [0.45, 0.55], [0.3, 0.7]])


def test_the_surest_mistake_comes_first_and_right_answers_are_left_out():
    np.testing.assert_array_equal(confident_mistakes(PROBABILITIES, [0, 0, 0, 0]), [1, 3, 2])
    np.testing.assert_array_equal(confident_mistakes(PROBABILITIES, [1, 0, 1, 0], 2), [0, 1])
    assert confident_mistakes(PROBABILITIES, [0, 1, 1, 1]).size == 0


def test_logits_are_refused():
    with pytest.raises(ValueError, match="softmax"):
        confident_mistakes(np.array([[3.0, -1.0]]), [0])
