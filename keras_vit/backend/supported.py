"""The check that the current backend can train."""

import keras

BACKENDS = ("tensorflow", "jax", "torch")


def check_can_train() -> None:
    """Raise a ValueError if Keras runs on a backend that can only predict."""
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise ValueError(
            f"the {backend} backend does not train: KERAS_BACKEND must be one of "
            f"{', '.join(BACKENDS)}. Received: KERAS_BACKEND={backend}"
        )
