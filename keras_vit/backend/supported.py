"""The backends that can train."""

import keras

BACKENDS = ("tensorflow", "jax", "torch")


def check_can_train() -> None:
    """Raise a ValueError where Keras runs on a backend that only predicts."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise ValueError(
            f"the {backend} backend does not train: set KERAS_BACKEND to one of {BACKENDS}"
        )
