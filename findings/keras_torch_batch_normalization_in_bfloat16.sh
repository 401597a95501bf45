#!/usr/bin/env bash
# On PyTorch in bfloat16 on a CPU, a training call of Keras 3.15.1's BatchNormalization takes several
# times as long, forwards and backwards, as PyTorch 2.13.0's own batch_norm with the same result. It
# computes the moments and the normalised values by one operation after the other, partly in float32.
# Seen with keras 3.15.1 and torch 2.13.0 (CPU) on Linux, Python 3.11, on a Xeon with AVX512-BF16,
# one core, for a tensor of 128x15x15x64, in November 2026:
#   Keras 22.5 ms, PyTorch 2.6 ms, largest difference 0.016
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check keras==3.15.1
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 \
    --extra-index-url https://download.pytorch.org/whl/cpu
cd "$folder"
OMP_NUM_THREADS=1 KERAS_HOME="$folder/home" KERAS_BACKEND=torch "$folder/venv/bin/python" - <<'PYTHON'
import statistics
import time

import keras
import torch

torch.set_num_threads(1)
x = torch.randn(128, 15, 15, 64).to(torch.bfloat16).requires_grad_()
upstream = torch.randn(x.shape).to(torch.bfloat16)
layer = keras.layers.BatchNormalization(dtype="mixed_bfloat16")
layer.build(x.shape)
mean, variance = torch.zeros(64), torch.ones(64)
scale, offset = torch.ones(64).requires_grad_(), torch.zeros(64).requires_grad_()


def of_keras():
    return layer(x, training=True)


def of_torch():
    images = x.movedim(-1, 1)
    y = torch.nn.functional.batch_norm(images, mean, variance, scale, offset, True, 0.01, 1e-3)
    return y.movedim(1, -1)


def milliseconds(compute):
    times = []
    for _ in range(12):
        began = time.perf_counter()
        compute().backward(upstream)
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times[2:])


keras_ms, torch_ms = milliseconds(of_keras), milliseconds(of_torch)
difference = (of_keras().float() - of_torch().float()).abs().max().item()
print(f"Keras {keras_ms:.1f} ms, PyTorch {torch_ms:.1f} ms, largest difference {difference:.3f}")
assert difference < 0.1
assert keras_ms > 2 * torch_ms
PYTHON
