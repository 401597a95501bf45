#!/usr/bin/env bash
# A Keras 3.15.1 Dense layer with LoRA does not save its two low-rank factors: it saves the kernel
# with the factors added. Loading weights into a layer with LoRA sets both factors to zero. The
# outputs are right, but the gradient of each factor is a product with the other one, so it is zero
# too, and training goes on without changing the layer.
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11, in November 2026:
#   before saving, 20 steps move the output by more than 0.01
#   after loading, 20 steps move the output by 0.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2
cd "$folder"
KERAS_HOME="$folder/home" KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
y = np.random.default_rng(1).normal(size=(32, 3)).astype("float32")


def model_with_lora():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, use_bias=False)])
    model.layers[0].enable_lora(2)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def moved(model):
    before = model.predict(x, verbose=0)
    model.fit(x, y, epochs=20, batch_size=32, verbose=0)
    return float(np.abs(model.predict(x, verbose=0) - before).max())


first = model_with_lora()
moved_before = moved(first)
expected = first.predict(x, verbose=0)
first.save_weights("lora.weights.h5")
second = model_with_lora()
second.load_weights("lora.weights.h5")
np.testing.assert_allclose(second.predict(x, verbose=0), expected, atol=1e-6)
factors = (second.layers[0].lora_kernel_a, second.layers[0].lora_kernel_b)
assert all(not np.any(np.asarray(factor)) for factor in factors)
moved_after = moved(second)
print(f"before saving, 20 steps move the output by {moved_before:.3f}")
print(f"after loading, 20 steps move the output by {moved_after:.3f}")
assert moved_before > 0.01
assert moved_after == 0.0
PYTHON
