"""What a tensor is computed on."""

from keras import ops


def device_kind():
    """ "gpu", "tpu" or "cpu": where Keras puts a tensor by itself."""
    name = str(ops.convert_to_tensor([0.0]).device).lower()
    if "gpu" in name or "cuda" in name:
        return "gpu"
    return "tpu" if "tpu" in name else "cpu"
