"""What a tensor is computed on, and in which precision it should be."""

import keras
from keras import ops


def device_kind():
    """ "gpu", "tpu" or "cpu": where Keras puts a tensor by itself."""
    name = str(ops.convert_to_tensor([0.0]).device).lower()
    if "gpu" in name or "cuda" in name:
        return "gpu"
    return "tpu" if "tpu" in name else "cpu"


def fastest_dtype():
    """The dtype policy that trains fastest here: bfloat16 where there are products of it.

    On a CPU that is PyTorch's, with AVX512-BF16 or AMX. Without them its products of bfloat16 are
    many times slower than those of float32.
    """
    if device_kind() != "cpu":
        return "mixed_bfloat16"
    if keras.backend.backend() == "torch":
        from keras_vit import hardware_torch  # imports PyTorch

        if hardware_torch.multiplies_bfloat16():
            return "mixed_bfloat16"
    return "float32"
