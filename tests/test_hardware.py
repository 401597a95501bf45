import sys
from pathlib import Path

import keras
import pytest

from keras_vit import hardware

pytestmark = pytest.mark.backends
ON_TORCH = keras.backend.backend() == "torch"


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


def test_a_gpu_computes_in_bfloat16(monkeypatch):
    monkeypatch.setattr(hardware, "device_kind", lambda: "gpu")
    assert hardware.fastest_dtype() == "mixed_bfloat16"


@pytest.mark.skipif(
    not ON_TORCH or sys.platform != "linux", reason="compares PyTorch's answer with Linux's"
)
def test_this_cpu_is_as_linux_has_it():
    """PyTorch asks the CPU itself."""
    from keras_vit.hardware_torch import multiplies_bfloat16

    flags = set(Path("/proc/cpuinfo").read_text().split())
    assert multiplies_bfloat16() == bool(flags & {"avx512_bf16", "amx_bf16"})
