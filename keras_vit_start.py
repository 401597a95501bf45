"""Start a command: importing this module chooses Keras's backend, once for the whole process.

The command `keras-vit` begins here, and a recipe's file imports this module first. Nothing else
may import it, because the choice holds for the program that imports it.
"""

import os

import keras_vit_backend

# Other packages import TensorFlow where it is installed, and it writes lines about its kernels.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
keras_vit_backend.choose()


def main() -> None:
    """Run the command `keras-vit`."""
    from keras_vit.commands import main

    main()
