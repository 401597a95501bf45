"""Train a published system; `keras-vit study flat_image` is the same command.

Its model, its training and its published numbers are in keras_vit/reproductions/flat_image.py.
"""

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.study import run_script

if __name__ == "__main__":
    run_script("flat_image")
