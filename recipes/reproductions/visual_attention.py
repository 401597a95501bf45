"""Train a published system; `keras-vit study visual_attention` is the same command.

Its model, its training and its published numbers are in
keras_vit/reproductions/visual_attention.py.
"""

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.study import run_script

if __name__ == "__main__":
    run_script("visual_attention")
