"""the model for other runtimes (ONNX, SavedModel, LiteRT), for timm or transformers, or in Keras"""

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
ONNX_PACKAGES = {
    "tensorflow": ("onnx", "tf2onnx"),
    "jax": ("onnx", "jax2onnx"),
    "torch": ("onnx", "onnxscript"),
}


def add_arguments(parser):
    parser.add_argument("--format", choices=[*SUFFIXES, *WEIGHTS], required=True)
    parser.add_argument(
        "--out",
        metavar="PATH",
        type=Path,
        required=True,
        help="a .onnx, .tflite or .keras file; a new folder for the others",
    )


def run(flags):
    refuse_existing(flags.out)
    if flags.format in WEIGHTS:
        WEIGHTS[flags.format](load_model(flags.model), flags.out)
    else:
        check_suffix(flags.out, flags.format)
        check_backend(flags.format)
        export(plain_model(load_model(flags.model)), flags.format, flags.out)
    print(f"see {flags.out}")


def export(model, format, path):
    """Writes an inference-only copy of a model, whole or not at all.

    The work is `keras.Model.export`'s. Batches may have any size, but with PyTorch, whose ONNX
    takes one image at a time.

    Args:
        model: a `keras.Model`, which should not be used on: for ONNX its GELU is replaced, and
            what computes in half precision computes in float32.
        format: "onnx", "tf_saved_model", "litert" or "keras".
        path: of the file or folder, where nothing is yet.

    Raises:
        ValueError: where Keras's export fails.
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
                warnings.simplefilter("ignore")  # the converters', about their own insides
                model.export(draft, format=format, verbose=False, **arguments)
                if format == "onnx":
                    check_onnx(draft)
        # The converters raise errors of many kinds.
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            backend = keras.backend.backend()
            raise ValueError(f"export to {format} failed on {backend}: {reason}") from error
        os.replace(draft, path)


def ready_for_onnx(model):
    """The model, or its whole graph, as the converters can take it."""
    for layer in flatten_layers(model):
        # ONNX has no convolution of bfloat16, and under these policies the weights are float32.
        if layer.dtype_policy.name in ("mixed_bfloat16", "mixed_float16"):
            layer.dtype_policy = "float32"
        # tf2onnx has no Erfc, by which TensorFlow computes the exact GELU.
        if getattr(layer, "activation", None) in (keras.activations.gelu, gelu):
            layer.activation = gelu_by_erf
    if keras.backend.backend() == "jax":
        # jax2onnx makes a wrong graph of attention with fewer queries than keys.
        model = keras.Model(model.input, model.output)
    # Keras wants a called model.
    model(ops.zeros((1, *(size or 32 for size in model.input_shape[1:]))))
    return model


def gelu_by_erf(x):
    return 0.5 * x * (1 + ops.erf(x * 2**-0.5))


def check_onnx(path):
    """Fails on operations that ONNX has not: tf2onnx only logs them and writes the file."""
    import onnx

    onnx.checker.check_model(path, full_check=True)


def check_suffix(path, format):
    if SUFFIXES[format] and path.suffix != SUFFIXES[format]:
        raise ValueError(f"--out {path}: a file for {format} must end with {SUFFIXES[format]}")


def check_backend(format):
    backend = keras.backend.backend()
    if backend not in BACKENDS[format]:
        others = " or ".join(f"KERAS_BACKEND={name}" for name in BACKENDS[format])
        raise ValueError(f"export to {format} does not work on the {backend} backend: set {others}")
    wanted = ONNX_PACKAGES[backend] if format == "onnx" else ()
    missing = [name for name in wanted if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"export to onnx on the {backend} backend needs {' and '.join(missing)}: "
            f"pip install {' '.join(missing)}"
        )
