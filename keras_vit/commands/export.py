"""write the model for ONNX, SavedModel, LiteRT, timm or transformers, or as a .keras file"""

import argparse
import importlib.util
import os
import tempfile
import warnings
from pathlib import Path

import keras
from keras import ops

from keras_vit.backend.keras_private import flatten_layers
from keras_vit.commands.output import refuse_existing
from keras_vit.files import whole_file
from keras_vit.layers.activations import gelu
from keras_vit.models.intermediates import plain_model
from keras_vit.weights import to_huggingface, to_timm
from keras_vit.weights.model_file import load_model

SUFFIXES = {"onnx": ".onnx", "tf_saved_model": "", "litert": ".tflite", "keras": ".keras"}
WEIGHTS = {"timm": to_timm, "huggingface": to_huggingface}
BACKENDS = {
    "onnx": ("tensorflow", "jax", "torch"),
    "tf_saved_model": ("tensorflow", "jax"),
    "litert": ("tensorflow",),
    "keras": ("tensorflow", "jax", "torch"),
}
MOST_ONNX_BYTES = 2**31 - 2**20  # Protocol Buffers write 2 GiB at most; the rest is for the graph.
ONNX_PACKAGES = {
    "tensorflow": ("onnx", "tf2onnx"),
    "jax": ("onnx", "jax2onnx"),
    "torch": ("onnx", "onnxscript"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "--format", choices=[*SUFFIXES, *WEIGHTS], required=True, help="the format to write"
    )
    parser.add_argument(
        "--out",
        metavar="PATH",
        type=Path,
        required=True,
        help="the .onnx, .tflite or .keras file to write; for other formats a new folder",
    )


def run(flags: argparse.Namespace) -> None:
    """Write the model in `flags.model` in another format."""
    refuse_existing(flags.out)
    if flags.format in WEIGHTS:
        WEIGHTS[flags.format](load_model(flags.model), flags.out)
    else:
        check_suffix(flags.out, flags.format)
        check_backend(flags.format)
        export(plain_model(load_model(flags.model)), flags.format, flags.out)
    print(f"see {flags.out}")


def export(model: keras.Model, format: str, path: Path) -> None:
    """Write a copy of a model for inference, whole or not at all.

    `keras.Model.export` does the conversion. The exported model takes batches of any size, except
    for ONNX files written with PyTorch, which take one image at a time.

    Args:
        model: Keras model, which should not be used afterwards. For ONNX its GELU is replaced, and
            layers that compute in half precision are changed to compute in float32.
        format: str, "onnx", "tf_saved_model", "litert" or "keras".
        path: path of the file or folder, which must not exist yet.

    Raises:
        ValueError: if Keras's export fails.
    """
    if format == "keras":
        with whole_file(path) as draft:
            model.save(draft)
        return
    arguments = {}
    if format == "onnx":
        model = ready_for_onnx(model)
        if keras.backend.backend() == "torch":
            shape = (1, *model.input_shape[1:])
            arguments["input_signature"] = [keras.InputSpec(shape=shape, dtype="float32")]
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".draft-") as folder:
        draft = Path(folder, path.name)
        try:
            with warnings.catch_warnings():
                # The converters warn about their own code, and a user can do nothing about it.
                warnings.simplefilter("ignore")
                model.export(draft, format=format, verbose=False, **arguments)
                if format == "onnx":
                    gather_onnx(draft)
                    check_onnx(draft)
        # The converters raise errors of many kinds.
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            backend = keras.backend.backend()
            raise ValueError(f"export to {format} failed on {backend}: {reason}") from error
        move_all(draft, path)


def gather_onnx(draft: Path) -> None:
    """Write an ONNX file and the tensors that its converter put into other files as one file.

    Nothing changes if there is one file already, or if they are too large for one: a file of ONNX
    may have 2 GiB.
    """
    import onnx

    files = list(draft.parent.iterdir())
    if len(files) == 1 or sum(file.stat().st_size for file in files) >= MOST_ONNX_BYTES:
        return
    model = onnx.load(draft)  # with the tensors in the other files
    for file in files:
        file.unlink()
    onnx.save_model(model, draft)


def move_all(draft: Path, path: Path) -> None:
    """Move a draft to its path, after the other files of its folder, to which it refers by name.

    Raises:
        ValueError: if there is already a file of such a name beside `path`.
    """
    others = sorted(file for file in draft.parent.iterdir() if file != draft)
    for file in others:
        refuse_existing(path.with_name(file.name))
    for file in others:
        os.replace(file, path.with_name(file.name))
    os.replace(draft, path)


def ready_for_onnx(model: keras.Model) -> keras.Model:
    """Change a model so that the ONNX converters accept it, and return it or its whole graph."""
    for layer in flatten_layers(model):
        # ONNX has no convolution in bfloat16. The weights are float32 under these two policies, so
        # that computing in float32 needs no other weights.
        if layer.dtype_policy.name in ("mixed_bfloat16", "mixed_float16"):
            layer.dtype_policy = "float32"
        # TensorFlow computes the exact GELU by Erfc, and tf2onnx cannot convert Erfc.
        if getattr(layer, "activation", None) in (keras.activations.gelu, gelu):
            layer.activation = gelu_by_erf
    if keras.backend.backend() == "jax":
        # jax2onnx converts attention with fewer queries than keys to a wrong graph. The whole graph
        # of the model has none: there, every token attends in every block.
        model = keras.Model(model.input, model.output)
    # Keras exports only a model that has been called.
    model(ops.zeros((1, *(size or 32 for size in model.input_shape[1:]))))
    return model


def gelu_by_erf(x):
    """Apply the exact GELU by the error function, which all converters know."""
    return 0.5 * x * (1 + ops.erf(x * 2**-0.5))


def check_onnx(path: Path) -> None:
    """Check that a file holds only operations of ONNX; tf2onnx writes others and only logs them."""
    import onnx

    onnx.checker.check_model(path, full_check=True)


def check_suffix(path: Path, format: str) -> None:
    """Check that a path ends as files of the format do.

    Raises:
        ValueError: if it does not.
    """
    if SUFFIXES[format] and path.suffix != SUFFIXES[format]:
        raise ValueError(f"--out {path}: a file for {format} must end with {SUFFIXES[format]}")


def check_backend(format: str) -> None:
    """Check that the backend can write a format and that the converters are installed.

    Raises:
        ValueError: if the backend cannot write it, or a package is missing.
    """
    backend = keras.backend.backend()
    if backend not in BACKENDS[format]:
        others = " or ".join(f"KERAS_BACKEND={name}" for name in BACKENDS[format])
        raise ValueError(f"export to {format} does not work on the {backend} backend: set {others}")
    needed = ONNX_PACKAGES[backend] if format == "onnx" else ()
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"export to onnx on the {backend} backend needs {' and '.join(missing)}: "
            f"pip install {' '.join(missing)}"
        )
