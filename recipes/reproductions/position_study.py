"""Train a published system; `keras-vit study position_study` is the same command.

Its model, its training and its published numbers are in keras_vit/reproductions/position_study.py.
"""

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.study import run_script

if __name__ == "__main__":
    run_script("position_study")
