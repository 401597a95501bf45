"""Measure the fastest matrix product of this machine, with which a model's speed is compared.

    python benchmarks/gemm_peak.py --with jax --dtype bfloat16 [--size 8192]

The script multiplies square matrices several times, waits for each product, takes the shortest time
and prints one line of JSON.
"""

import argparse
import json
import time

import numpy as np

LIBRARIES = ("numpy", "jax", "torch")
DTYPES = ("float32", "bfloat16")
ROUNDS = 10


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--with",
        dest="library",
        choices=LIBRARIES,
        default="numpy",
        help="the library that multiplies (default: %(default)s)",
    )
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        default="float32",
        help="type of the matrices (default: %(default)s)",
    )
    parser.add_argument(
        "--size", type=int, default=2048, help="side of the matrices (default: %(default)s)"
    )
    flags = parser.parse_args()
    if flags.library == "numpy" and flags.dtype == "bfloat16":
        parser.error("--dtype bfloat16 needs --with jax or --with torch. Received: --with numpy")
    print(json.dumps(gemm_peak(flags.library, flags.dtype, flags.size)))


def gemm_peak(library, dtype, size):
    """Return the peak in TFLOP/s as a dict; a multiplication with an addition is two operations."""
    product, device = PRODUCTS[library](dtype, size)
    product()  # The first product compiles and wakes the device.
    seconds = min(timed(product) for _ in range(ROUNDS))
    return {
        "library": library,
        "device": device,
        "dtype": dtype,
        "size": size,
        "teraflops": round(2 * size**3 / seconds / 1e12, 3),
    }


def timed(product):
    started = time.perf_counter()
    product()
    return time.perf_counter() - started


def numpy_product(dtype, size):
    a = np.random.default_rng(0).random((size, size), dtype)
    return lambda: a @ a, "cpu"


def jax_product(dtype, size):
    import jax

    a = jax.numpy.asarray(np.random.default_rng(0).random((size, size), "float32"), dtype)
    multiply = jax.jit(lambda a: a @ a)
    return lambda: multiply(a).block_until_ready(), jax.devices()[0].device_kind


def torch_product(dtype, size):
    import torch

    on_gpu = torch.cuda.is_available()
    torch.set_float32_matmul_precision("high")  # JAX does the same where the device can.
    a = torch.rand(size, size, dtype=getattr(torch, dtype), device="cuda" if on_gpu else "cpu")

    def product():
        result = a @ a
        if on_gpu:
            torch.cuda.synchronize()
        return result

    return product, torch.cuda.get_device_name() if on_gpu else "cpu"


PRODUCTS = {"numpy": numpy_product, "jax": jax_product, "torch": torch_product}

if __name__ == "__main__":
    main()
