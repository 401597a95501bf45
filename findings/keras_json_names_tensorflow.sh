#!/usr/bin/env bash
# Keras 3.15.1 writes ~/.keras/keras.json at its first import and names TensorFlow in it as the
# backend, although KERAS_BACKEND names JAX, JAX is what runs, and TensorFlow is not installed. The
# next program, without KERAS_BACKEND, then fails to import Keras. So a keras.json does not show
# that its user has chosen a backend.
# Seen with keras 3.15.1 and jax 0.10.2 on Linux, Python 3.11, in November 2026:
#   runs on jax, keras.json names tensorflow
#   without KERAS_BACKEND: ModuleNotFoundError: No module named 'tensorflow'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2
export KERAS_HOME="$folder/home"
KERAS_BACKEND=jax "$folder/venv/bin/python" - <<'PYTHON'
import json
import os

import keras

with open(os.path.join(os.environ["KERAS_HOME"], "keras.json")) as file:
    named = json.load(file)["backend"]
print(f"runs on {keras.backend.backend()}, keras.json names {named}")
assert (keras.backend.backend(), named) == ("jax", "tensorflow")
PYTHON
if error=$(env -u KERAS_BACKEND "$folder/venv/bin/python" -c "import keras" 2>&1); then
    echo "without KERAS_BACKEND: imported"
    exit 1
fi
echo "without KERAS_BACKEND: $(tail -n 1 <<<"$error")"
grep -q "No module named 'tensorflow'" <<<"$error"
