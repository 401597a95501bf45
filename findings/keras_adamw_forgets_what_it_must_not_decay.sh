#!/usr/bin/env bash
# A Keras 3.15.1 optimizer forgets `exclude_from_weight_decay` when a model is saved: the excluded
# variables are not in its config. A model that is loaded and trained on decays everything, biases
# and norms too, without a word.
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11, in November 2026:
#   before saving, the excluded weight stays at 1.000 in a step without a gradient
#   after loading, the same weight goes to 0.950
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2
cd "$folder"
KERAS_HOME="$folder/home" KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np


def after_a_step(model):
    """The norm's scale after one step whose gradient is zero."""
    weights = model.trainable_variables
    model.optimizer.apply([keras.ops.zeros(w.shape) for w in weights], weights)
    return float(np.asarray(model.layers[-1].gamma)[0])


model = keras.Sequential([keras.Input((4,)), keras.layers.LayerNormalization()])
model.compile(keras.optimizers.AdamW(0.1, weight_decay=0.5), "mse")
model.optimizer.exclude_from_weight_decay(var_names=["gamma"])
before = after_a_step(model)
model.save("model.keras")
after = after_a_step(keras.saving.load_model("model.keras"))
print(f"before saving, the excluded weight stays at {before:.3f} in a step without a gradient")
print(f"after loading, the same weight goes to {after:.3f}")
assert abs(before - 1.0) < 1e-6
assert abs(after - 0.95) < 1e-6
PYTHON
