import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import pytest

from keras_vit.backend import hardware

pytestmark = pytest.mark.backends
BACKEND = keras.backend.backend()
ON_TORCH = BACKEND == "torch"


@pytest.mark.parametrize(
    ("cpu", "bfloat16"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"avx2": True, "avx512_bf16": True, "amx_bf16": False}, True),
        ({"amx_bf16": True}, True),
        ({"neon": True}, False),
    ],
)
def test_a_cpu_computes_in_bfloat16_where_pytorch_has_products_of_it(cpu, bfloat16, monkeypatch):
    if ON_TORCH:
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda: cpu)
    found = hardware.fastest_dtype()
    assert found == ("mixed_bfloat16" if ON_TORCH and bfloat16 else "float32")


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [("8.0", "mixed_bfloat16"), ("9.0", "mixed_bfloat16"), ("7.5", "mixed_float16")],
)
def test_a_gpu_computes_in_the_half_it_has_products_of(capability, dtype, monkeypatch):
    pretend_gpu(capability, monkeypatch)
    assert hardware.fastest_dtype() == dtype


def test_a_gpu_that_is_not_nvidias_computes_in_bfloat16(monkeypatch):
    pretend_gpu(None, monkeypatch)
    assert hardware.fastest_dtype() == "mixed_bfloat16"


def pretend_gpu(capability, monkeypatch):
    """The backend's own answers for a GPU of this compute capability; None: one of AMD's."""
    monkeypatch.setattr(hardware, "device_kind", lambda: "gpu")
    pair = capability and tuple(map(int, capability.split(".")))
    if BACKEND == "jax":
        device = SimpleNamespace(compute_capability=capability or "gfx942")
        monkeypatch.setattr("jax.devices", lambda: [device])
    elif BACKEND == "torch":
        monkeypatch.setattr("torch.version.cuda", capability and "13.0")
        monkeypatch.setattr("torch.cuda.get_device_capability", lambda: pair)
    else:
        details = {"compute_capability": pair} if pair else {}
        monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda _: ["GPU:0"])
        monkeypatch.setattr(
            "tensorflow.config.experimental.get_device_details", lambda device: details
        )


@pytest.mark.skipif(
    not ON_TORCH or sys.platform != "linux", reason="compares PyTorch's answer with Linux's"
)
def test_this_cpu_is_as_linux_has_it():
    """PyTorch asks the CPU itself."""
    from keras_vit.backend.hardware_torch import multiplies_bfloat16

    flags = set(Path("/proc/cpuinfo").read_text().split())
    assert multiplies_bfloat16() == bool(flags & {"avx512_bf16", "amx_bf16"})
