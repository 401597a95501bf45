"""Choose Keras's backend for a command, before Keras is imported.

`choose` does so where nothing has chosen yet: not where Keras is imported already, where
KERAS_BACKEND is set, or where keras.json names a backend. Commands call it by importing
`keras_vit_start`. `import keras_vit` never chooses: in your own program, Keras's own rules hold.

Both modules stand beside the package, because importing anything inside a package that imports
Keras would be too late.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")
ONLY_PREDICTING = ("numpy", "openvino")  # Keras's other backends, which do not train
# PyTorch trains fastest on a CPU, JAX on a GPU; see docs/speed.md.
FASTEST = {"cpu": ("torch", "tensorflow", "jax"), "gpu": ("jax", "torch", "tensorflow")}
AS_KERAS_WRITES_IT = {
    "floatx": "float32",
    "epsilon": 1e-7,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}


def choose() -> str | None:
    """Set KERAS_BACKEND to the fastest installed backend and say so in one line.

    Returns:
        The name of the backend that was chosen; None where something else had chosen before.

    Raises:
        SystemExit: with status 2 and one line, where the backend that was asked for, or every
            backend, is not installed.
    """
    if "keras" in sys.modules:
        return None
    installed = installed_backends()
    asked, where = asked_for()
    if asked and asked not in (*BACKENDS, *ONLY_PREDICTING):
        leave(f"there is no backend {asked!r}: {where} must name one of {', '.join(BACKENDS)}")
    if asked in BACKENDS and asked not in installed:
        leave(missing_backend(asked))
    if asked:
        return None
    if not installed:
        leave(missing_backend("torch"))
    device = "gpu" if has_gpu() else "cpu"
    chosen = next(name for name in FASTEST[device] if name in installed)
    os.environ["KERAS_BACKEND"] = chosen
    others = [name for name in installed if name != chosen]
    if others and sys.argv[1:2] not in (["--version"], ["--help"], ["-h"]):
        print(
            f"keras-vit: the {chosen} backend is the fastest one installed for this {device}; "
            f"set KERAS_BACKEND={'|'.join(others)} for another",
            file=sys.stderr,
        )
    return chosen


def installed_backends() -> list[str]:
    """Return the names of the backends that can be imported."""
    return [name for name in BACKENDS if importlib.util.find_spec(name)]


def missing_backend(name: str) -> str:
    """Return the line that says what to do where Keras asks for a backend that is not there."""
    where = asked_for()[1] or "Keras by default"
    others = [f"set KERAS_BACKEND={other}" for other in installed_backends()]
    ways = [*others, f"pip install {name}"]
    return f"{where} asks for the {name} backend, which is not installed: {' or '.join(ways)}"


def asked_for() -> tuple[str | None, str | None]:
    """Return the backend that the user asked for and where, or (None, None)."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "KERAS_BACKEND"
    path = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "keras.json")
    try:
        config = json.loads(path.read_text())
        backend = config.get("backend")
    except (OSError, ValueError, AttributeError):
        return None, None
    # Keras writes this file itself on its first import, always for TensorFlow, whatever runs and
    # whatever is installed. A file that nobody has changed since is nobody's choice.
    if config == AS_KERAS_WRITES_IT or not isinstance(backend, str):
        return None, None
    return backend, str(path)


def has_gpu() -> bool:
    """Return whether the machine has an NVIDIA GPU, without importing a backend to ask."""
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return Path("/dev/nvidiactl").exists() and not hidden


def is_module_command() -> bool:
    """Return whether this process is `python -m keras_vit`, which imports the package first."""
    words = sys.orig_argv
    return "-m" in words and words[words.index("-m") + 1 :][:1] == ["keras_vit"]


def leave(message: str):
    """End the process with one line on stderr and status 2, as for any bad input."""
    print(f"keras-vit: error: {message}", file=sys.stderr)
    raise SystemExit(2)
