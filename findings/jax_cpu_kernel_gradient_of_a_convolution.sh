#!/usr/bin/env bash
# On a CPU, JAX 0.10.2 takes several times as long for the gradient of a convolution's kernel as for
# the convolution itself, although both have the same number of multiplications. PyTorch 2.13.0 takes
# the same time for both. A training step of a convolutional network is therefore about half as fast
# on JAX as on PyTorch, in float32 on one core.
# Seen with jax 0.10.2 and torch 2.13.0 (CPU) on Linux, Python 3.11, on a Xeon with AVX512, one core,
# for 250 images of 15x15 pixels, 3x3 kernels, 32 to 128 channels, in November 2026:
#   JAX: forwards 43 ms, gradient of the kernel 171 to 289 ms
#   PyTorch: forwards 38 ms, gradient of the kernel 39 ms
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jax==0.10.2
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 \
    --extra-index-url https://download.pytorch.org/whl/cpu
cd "$folder"
cat > times.py <<'PYTHON'
import os
import statistics
import sys
import time

BATCH, SIDE, CHANNELS, FILTERS = 250, 15, 32, 128


def milliseconds(compute):
    compute()
    times = []
    for _ in range(7):
        began = time.perf_counter()
        compute()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def with_jax():
    import jax

    x = jax.numpy.ones((BATCH, SIDE, SIDE, CHANNELS))
    kernel = jax.numpy.ones((3, 3, CHANNELS, FILTERS))
    upstream = jax.numpy.ones((BATCH, SIDE, SIDE, FILTERS))

    def convolution(x, kernel):
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)

    forwards = jax.jit(convolution)
    gradient = jax.jit(lambda k, g: jax.vjp(lambda k: convolution(x, k), k)[1](g))
    return (
        milliseconds(lambda: jax.block_until_ready(forwards(x, kernel))),
        milliseconds(lambda: jax.block_until_ready(gradient(kernel, upstream))),
    )


def with_torch():
    import torch

    torch.set_num_threads(1)
    last = {"memory_format": torch.channels_last}
    x = torch.ones(BATCH, CHANNELS, SIDE, SIDE).contiguous(**last)
    kernel = torch.ones(FILTERS, CHANNELS, 3, 3).contiguous(**last)
    upstream = torch.ones(BATCH, FILTERS, SIDE, SIDE).contiguous(**last)
    rest = ([1, 1], [1, 1], [1, 1], False, [0, 0], 1, [False, True, False])
    return (
        milliseconds(lambda: torch.nn.functional.conv2d(x, kernel, padding=1)),
        milliseconds(
            lambda: torch.ops.aten.convolution_backward(upstream, x, kernel, None, *rest)
        ),
    )


name = sys.argv[1]
forwards, gradient = {"JAX": with_jax, "PyTorch": with_torch}[name]()
print(f"{name}: forwards {forwards:.0f} ms, gradient of the kernel {gradient:.0f} ms")
slow = gradient > 2.5 * forwards
sys.exit(slow != (name == "JAX"))
PYTHON
export OMP_NUM_THREADS=1 XLA_FLAGS=--xla_cpu_multi_thread_eigen=false
core=$(taskset -pc $$ | sed 's/.*[ ,-]//')
taskset -c "$core" "$folder/venv/bin/python" times.py JAX
taskset -c "$core" "$folder/venv/bin/python" times.py PyTorch
