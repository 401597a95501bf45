import warnings

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_vit import ViT, load_data
from keras_vit.train import linear_probe
from keras_vit.train.batches import ResizedBatches
from keras_vit.train.linear_probe import best_strength, check_all_classes, fit_linear_probe

pytestmark = pytest.mark.backends


def model_and_images(num_classes):
    data = load_data("digits")
    chosen = np.flatnonzero(data.y_train < num_classes)[:200]
    keras.utils.set_random_seed(0)
    model = ViT((8, 8, 1), 2, num_classes, hidden_dim=24, depth=1, num_heads=2, mlp_dim=24)
    return model, ResizedBatches(data.x_train[chosen], data.y_train[chosen], (8, 8), 64)


@pytest.mark.parametrize("num_classes", [2, 4])
def test_the_model_answers_as_scikit_learns_own_pipeline(num_classes, monkeypatch):
    # With less of a penalty the last digits of the features decide where the solver stops.
    monkeypatch.setattr(linear_probe, "EXPONENTS", (-1, 0))
    monkeypatch.setattr(linear_probe, "MOST", 0)
    model, batches = model_and_images(num_classes)
    told = fit_linear_probe(model, batches)
    body = keras.Model(model.input, model.get_layer("pooled").output)
    features = body.predict(batches.x, verbose=0).astype("float64")
    theirs = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=told["linear_probe"]["inverse_penalty"], max_iter=500),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(features, batches.y)
    logits = model.predict(batches.x, verbose=0)
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, theirs.predict_proba(features), atol=1e-4)
    assert np.mean(logits.argmax(axis=1) == batches.y) > 0.7  # of a body that was never trained
    assert told["linear_probe"]["validation_accuracy"] > 0.6
    assert told["trained_parameters"] == 24 * num_classes + num_classes


def test_the_penalty_is_chosen_without_the_images_that_are_fitted():
    """Labels that have nothing to do with the images: no choice is better than chance."""
    model, batches = model_and_images(4)
    batches.y = np.random.default_rng(0).integers(0, 4, len(batches.y))
    told = fit_linear_probe(model, batches)
    assert told["linear_probe"]["validation_accuracy"] < 0.5


def blobs(count, features, distance, seed):
    """Two classes around two points, among features that tell nothing."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    x = rng.normal(size=(count, features))
    x[:, 0] += distance * labels
    return x, labels


def test_the_penalty_has_the_lowest_cross_entropy_and_not_the_best_accuracy():
    """With more features than images, weak penalties are as accurate and far too certain."""
    fitted, held_out = blobs(40, 60, 2.0, 0), blobs(20, 60, 2.0, 1)
    strength, loss, _ = best_strength(fitted, held_out)
    losses = {}
    for exponent in range(-8, 7):
        pipeline = LogisticRegression(C=10.0**exponent, max_iter=500).fit(*fitted)
        losses[10.0**exponent] = log_loss(held_out[1], pipeline.predict_proba(held_out[0]))
    assert losses[strength] == pytest.approx(min(losses.values()), rel=1e-6)
    assert loss == pytest.approx(losses[strength], rel=1e-6)
    assert losses[strength] < losses[100.0] - 0.3


def test_a_class_that_is_sure_to_be_wrong_has_a_finite_cross_entropy():
    """Where its probability rounds to zero; a warning would fail the test."""
    x = 1e3 * np.repeat([[-1.0], [1.0]], 10, axis=0)
    labels = np.repeat([0, 1], 10)
    _, loss, accuracy = best_strength((x, labels), (x, 1 - labels))
    assert accuracy == 0
    assert np.isfinite(loss)


def test_the_row_of_penalties_grows_where_its_end_is_the_best():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(200, 40)), rng.integers(0, 2, 200)  # nothing to be learned
    strength, *_ = best_strength((x[:100], labels[:100]), (x[100:], labels[100:]))
    assert strength < 1e-4


def test_one_image_of_each_class_is_enough():
    model, batches = model_and_images(3)
    first = [int(np.flatnonzero(batches.y == k)[0]) for k in range(3)]
    batches = ResizedBatches(batches.x[first], batches.y[first], (8, 8), 3)
    told = fit_linear_probe(model, batches)
    assert told["linear_probe"]["validation_accuracy"] is None
    assert model.predict(batches.x, verbose=0).argmax(axis=1).tolist() == [0, 1, 2]


def test_a_class_without_an_image_is_named():
    check_all_classes(np.array([0, 1]), ("cat", "dog"))
    with pytest.raises(ValueError, match="none of dog"):
        check_all_classes(np.array([0, 0]), ("cat", "dog"))
