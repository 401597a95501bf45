"""A linear classifier on features that are computed once."""

import time
import warnings

import keras
import numpy as np

from keras_vit.data.splitting import stratified_split
from keras_vit.extras import needed_for

INVERSE_PENALTIES = tuple(10.0**exponent for exponent in range(-4, 3))


def fit_linear_probe(model: keras.Model, batches: keras.utils.PyDataset, seed: int = 0) -> dict:
    """Fits the head by logistic regression on the features of a frozen body.

    scikit-learn's, with an L2 penalty on the standardised features' weights; how strong is chosen
    by the accuracy on a fifth of each class, then all images are used. The standardisation goes
    into the head, so the model takes images and gives logits as before.

    Args:
        model: a `ViT` or `HybridViT`; its `head` is written to.
        batches: images as the model takes them and labels, in a fixed order, with attribute `y`
            of all labels `(N,)`.
        seed: of the validation split.

    Returns:
        What `metrics.json` says of it: among others `inverse_penalty`, scikit-learn's C, and
        `validation_accuracy`, None where no class has two images to choose by.
    """
    started = time.perf_counter()
    labels = np.asarray(batches.y)
    body = keras.Model(model.input, model.get_layer("head").input)
    features = body.predict(batches).astype("float64")
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    deviation[deviation == 0] = 1
    features = (features - mean) / deviation

    fitted, held_out = stratified_split(labels, 0.2, seed)
    strength, accuracy = 1.0, None
    if len(held_out):
        scores = [
            logistic_regression(features[fitted], labels[fitted], c).score(
                features[held_out], labels[held_out]
            )
            for c in INVERSE_PENALTIES
        ]
        best = int(np.argmax(scores))  # the strongest penalty of equal ones
        strength, accuracy = INVERSE_PENALTIES[best], float(scores[best])
    regression = logistic_regression(features, labels, strength)
    kernel, bias = regression.coef_.T, regression.intercept_
    if model.num_classes == 2:  # scikit-learn has one column for two classes
        kernel, bias = (np.concatenate([-w / 2, w / 2], axis=-1) for w in (kernel, bias))
    kernel = kernel / deviation[:, None]
    head = model.get_layer("head")
    head.kernel.assign(kernel)
    head.bias.assign(bias - mean @ kernel)
    seconds = time.perf_counter() - started
    return {
        "epochs": 1,  # each image is seen once
        "trained_parameters": head.count_params(),
        "linear_probe": {"inverse_penalty": strength, "validation_accuracy": accuracy},
        "seconds": round(seconds, 1),
        "images_per_second": round(len(labels) / seconds, 1),
    }


def check_all_classes(labels, class_names):
    """A ValueError for classes without an image."""
    missing = [name for k, name in enumerate(class_names) if k not in labels]
    if missing:
        raise ValueError(
            "a linear probe needs a training image of every class; there is none of "
            f"{', '.join(missing[:10])}"
        )


def logistic_regression(features, labels, strength):
    # A second to import.
    with needed_for("The linear probe"):
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # A weak penalty on separable classes has its optimum far out; it is not chosen, or as good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=strength, max_iter=500).fit(features, labels)
