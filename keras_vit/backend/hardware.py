"""The device of the computation, and the precision in which it trains fastest."""

import importlib

import keras
from keras import ops

# Compute capability of Ampere, the first NVIDIA GPUs that multiply bfloat16 fast. Older ones
# multiply only float16 fast.
AMPERE = (8, 0)


def device_kind() -> str:
    """Return "gpu", "tpu" or "cpu", the device on which Keras places a tensor by default."""
    name = str(ops.convert_to_tensor([0.0]).device).lower()
    if "gpu" in name or "cuda" in name:
        return "gpu"
    return "tpu" if "tpu" in name else "cpu"


def fastest_dtype() -> str:
    """Return the name of the dtype policy that trains fastest on this device.

    This is "mixed_bfloat16" on a TPU, on a GPU, and with PyTorch on a CPU that has AVX512-BF16 or
    AMX. On other CPUs it is "float32", because PyTorch multiplies bfloat16 many times more slowly
    than float32 there. On NVIDIA's GPUs before Ampere, such as a T4, it is "mixed_float16", for
    which Keras scales the loss.
    """
    device = device_kind()
    if device == "gpu":
        capability = hardware_of_backend().compute_capability()
        return "mixed_float16" if capability and capability < AMPERE else "mixed_bfloat16"
    if device == "tpu":
        return "mixed_bfloat16"
    if keras.backend.backend() == "torch" and hardware_of_backend().multiplies_bfloat16():
        return "mixed_bfloat16"
    return "float32"


def hardware_of_backend():
    """Import the module that asks the backend about its hardware."""
    return importlib.import_module(f"keras_vit.backend.hardware_{keras.backend.backend()}")
