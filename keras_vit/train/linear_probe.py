"""A linear classifier on the features of a frozen model."""

import time
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from keras_vit.data.splitting import stratified_split
from keras_vit.extras import needed_for

# Powers of ten that are tried as the inverse of the penalty, and how far the row is made longer
# while the best one is its first or last.
EXPONENTS = range(-4, 3)
LEAST, MOST = -8, 6


def fit_linear_probe(model: keras.Model, batches: keras.utils.PyDataset, seed: int = 0) -> dict:
    """Fit a model's head by logistic regression on the features of the other layers.

    The features are computed once and standardised. scikit-learn fits the regression with an L2
    penalty on the weights. The strength of the penalty is the one with the lowest cross-entropy on
    a fifth of each class, which tells more than the accuracy where there are few images; the final
    regression then uses all images. The standardisation becomes part of
    the head, so that the model still maps images to logits.

    Args:
        model: a `ViT` or `HybridViT`, whose `head` receives new weights.
        batches: `keras.utils.PyDataset` of images in the model's size and labels, in a fixed order,
            with an attribute `y` of all labels `(N,)`.
        seed: int, seed of the validation split. Default: 0.

    Returns:
        A dict for `metrics.json`. Its entry `linear_probe` has `inverse_penalty`, the argument C of
        scikit-learn, and `validation_accuracy` and `validation_loss` (the cross-entropy), which are
        None if no class has two images.
    """
    started = time.perf_counter()
    labels = np.asarray(batches.y)
    body = keras.Model(model.input, model.get_layer("head").input)
    features = body.predict(batches).astype("float64")
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation[deviation == 0] = 1
    features = (features - mean) / deviation

    fitted, held_out = stratified_split(labels, 0.2, seed)
    strength, loss, accuracy = 1.0, None, None
    if len(held_out):
        parts = [(features[part], labels[part]) for part in (fitted, held_out)]
        strength, loss, accuracy = best_strength(*parts)
    regression = logistic_regression(features, labels, strength)
    kernel, bias = regression.coef_.T, regression.intercept_
    if model.num_classes == 2:  # scikit-learn returns one column for two classes.
        kernel, bias = (np.concatenate([-w / 2, w / 2], axis=-1) for w in (kernel, bias))
    kernel = kernel / deviation[:, None]
    head = model.get_layer("head")
    head.kernel.assign(kernel)
    head.bias.assign(bias - mean @ kernel)
    seconds = time.perf_counter() - started
    return {
        "epochs": 1,  # The model computes the features of each image once.
        "trained_parameters": head.count_params(),
        "linear_probe": {
            "inverse_penalty": strength,
            "validation_accuracy": accuracy,
            "validation_loss": loss,
        },
        "seconds": round(seconds, 1),
        "images_per_second": round(len(labels) / seconds, 1),
    }


def best_strength(fitted: tuple, held_out: tuple) -> tuple[float, float, float]:
    """Find the inverse penalty whose regression has the lowest cross-entropy on other images.

    Args:
        fitted: (features, labels) to fit, with an image of every class.
        held_out: (features, labels) to judge by.

    Returns:
        The inverse penalty, and the cross-entropy and accuracy of its regression on `held_out`. Of
        penalties that are equally good it is the strongest.
    """
    judged = {}

    def judge(exponent):
        regression = logistic_regression(*fitted, 10.0**exponent)
        features, labels = held_out
        own = np.searchsorted(regression.classes_, labels)
        logits = regression.decision_function(features)
        if logits.ndim == 1:  # of two classes, that of the second against the first
            logits = np.stack([np.zeros_like(logits), logits], axis=1)
        # scikit-learn's `predict_log_proba` is minus infinity where a probability rounds to 0.
        logits = logits - logits.max(axis=1, keepdims=True)
        log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        loss = -log_shares[np.arange(len(labels)), own].mean()
        judged[exponent] = float(loss), float(regression.score(features, labels))

    for exponent in EXPONENTS:
        judge(exponent)
    while True:
        best = min(judged, key=lambda exponent: (judged[exponent][0], exponent))
        further = {min(judged): best - 1, max(judged): best + 1}.get(best)
        if further is None or not LEAST <= further <= MOST:
            return (10.0**best, *judged[best])
        judge(further)


def check_all_classes(labels: np.ndarray, class_names: Sequence[str]) -> None:
    """Raise a ValueError if a class has no image.

    Args:
        labels: int array `(N,)`, the labels of the training images.
        class_names: sequence of str, the names of all classes.
    """
    missing = [name for k, name in enumerate(class_names) if k not in labels]
    if missing:
        raise ValueError(
            "a linear probe needs at least one training image of every class. "
            f"Received: none of {', '.join(missing[:10])}"
        )


def logistic_regression(features: np.ndarray, labels: np.ndarray, strength: float):
    """Fit scikit-learn's logistic regression.

    Args:
        features: float array `(N, D)`.
        labels: int array `(N,)`.
        strength: float above 0, inverse of the penalty, the argument C of scikit-learn.

    Returns:
        The fitted `LogisticRegression`.
    """
    # scikit-learn is imported here, because its import takes a second and only the probe needs it.
    with needed_for("The linear probe"):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # If a plane separates the classes, the regression with a weak penalty has large weights and
        # may not converge. That does no harm: such a penalty has a worse cross-entropy and is not
        # chosen, or it is just as good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, max_iter=500).fit(features, labels)
