"""What a tensor is computed on, and in which precision it should be."""

import importlib

import keras
from keras import ops

# The first NVIDIA GPUs with products of bfloat16 (Ampere); those before have them of float16.
AMPERE = (8, 0)


def device_kind():
    """ "gpu", "tpu" or "cpu": where Keras puts a tensor by itself."""
    name = str(ops.convert_to_tensor([0.0]).device).lower()
    if "gpu" in name or "cuda" in name:
        return "gpu"
    return "tpu" if "tpu" in name else "cpu"


def fastest_dtype():
    """The dtype policy that trains fastest here: bfloat16 where there are products of it.

    On a CPU that is PyTorch's, with AVX512-BF16 or AMX. Without them its products of bfloat16 are
    many times slower than those of float32. NVIDIA's GPUs before Ampere, a T4 say, get float16,
    for which Keras scales the loss.
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
    """The module that asks the backend, and so imports it."""
    return importlib.import_module(f"keras_vit.backend.hardware_{keras.backend.backend()}")
