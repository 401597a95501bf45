"""The contenders of throughput.py, one of which runs in a process of its own.

A contender has the tasks "train" and "infer". All of them train with AdamW on integer labels and on
images in memory. Keras models run by `fit` and `predict`. PyTorch models run in the usual loop, on
float images that are made beforehand.

With TensorFlow, Keras models take one batch at a time, by `train_on_batch` and `predict_on_batch`.
There, Keras's `fit` and `predict` sometimes end with a wait for tf.data that can be as long as all
the steps. The models of this package do not wait, but they are timed in the same way.
"""

import argparse
import contextlib
import importlib.metadata
import os
import time
from typing import NamedTuple

import numpy as np
from turns import take_turns


class Sizes(NamedTuple):
    """The sizes of a Vision Transformer with a class token and learned positions, and its batch."""

    image: int
    patch: int
    dim: int
    depth: int
    heads: int
    mlp: int
    classes: int
    batch: int


MODELS = {
    "kunvit": Sizes(32, 4, 384, 7, 12, 384, 10, 128),
    "s16": Sizes(224, 16, 384, 12, 6, 1536, 1000, 16),
    "compact": Sizes(32, 4, 192, 7, 6, 384, 10, 128),
}


class Contender(NamedTuple):
    """A library on a backend.

    Attributes:
        library: str, the package of the model.
        backend: str, Keras's backend, or "torch" for a PyTorch model in PyTorch's own loop.
        dtype: str, "float32" or "bfloat16". For bfloat16, Keras models have a mixed policy and
            PyTorch models run under autocast. Default: "float32".
        compiled: bool, whether XLA or `torch.compile` compiles the step. Default: True.
        onednn: bool, whether TensorFlow must multiply by oneDNN. By default TensorFlow does so only
            on CPUs with VNNI, BF16 or AMX instructions. Default: False.
    """

    library: str
    backend: str
    dtype: str = "float32"
    compiled: bool = True
    onednn: bool = False


CONTENDERS = {
    "ours, TensorFlow": Contender("keras_vit", "tensorflow"),
    "ours, TensorFlow, oneDNN": Contender("keras_vit", "tensorflow", onednn=True),
    "ours, JAX": Contender("keras_vit", "jax"),
    "ours, JAX, bf16": Contender("keras_vit", "jax", "bfloat16"),
    "ours, PyTorch": Contender("keras_vit", "torch", compiled=False),
    "ours, PyTorch, bf16": Contender("keras_vit", "torch", "bfloat16", compiled=False),
    "keras-hub, TensorFlow": Contender("keras_hub", "tensorflow"),
    "keras-hub, TensorFlow, oneDNN": Contender("keras_hub", "tensorflow", onednn=True),
    "keras-hub, JAX": Contender("keras_hub", "jax"),
    "keras-hub, PyTorch, bf16": Contender("keras_hub", "torch", "bfloat16", compiled=False),
    "timm": Contender("timm", "torch", compiled=False),
    "timm, bf16": Contender("timm", "torch", "bfloat16", compiled=False),
    "timm, compiled": Contender("timm", "torch"),
    "timm, compiled, bf16": Contender("timm", "torch", "bfloat16"),
    "transformers": Contender("transformers", "torch", compiled=False),
    "vit-pytorch": Contender("vit_pytorch", "torch", compiled=False),
}


def keras_vit_model(sizes, dtype):
    from keras_vit import ViT

    return ViT(**vit_arguments(sizes), dtype=dtype)


def vit_arguments(sizes):
    """Return the arguments of `ViT` for the sizes."""
    return {
        "image_shape": (sizes.image, sizes.image, 3),
        "patch_size": sizes.patch,
        "num_classes": sizes.classes,
        "hidden_dim": sizes.dim,
        "depth": sizes.depth,
        "num_heads": sizes.heads,
        "mlp_dim": sizes.mlp,
    }


def keras_hub_model(sizes, dtype):
    import keras_hub

    backbone = keras_hub.models.ViTBackbone(
        image_shape=(sizes.image, sizes.image, 3),
        patch_size=sizes.patch,
        num_layers=sizes.depth,
        num_heads=sizes.heads,
        hidden_dim=sizes.dim,
        mlp_dim=sizes.mlp,
        dtype=dtype,
    )
    return keras_hub.models.ViTImageClassifier(
        backbone, sizes.classes, preprocessor=None, dtype=dtype
    )


def timm_model(sizes):
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(
        img_size=sizes.image,
        patch_size=sizes.patch,
        num_classes=sizes.classes,
        embed_dim=sizes.dim,
        depth=sizes.depth,
        num_heads=sizes.heads,
        mlp_ratio=sizes.mlp / sizes.dim,
    )


def transformers_model(sizes):
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(
        image_size=sizes.image,
        patch_size=sizes.patch,
        hidden_size=sizes.dim,
        num_hidden_layers=sizes.depth,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.mlp,
        num_labels=sizes.classes,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return ViTForImageClassification(config)


def vit_pytorch_model(sizes):
    from vit_pytorch import ViT

    return ViT(
        image_size=sizes.image,
        patch_size=sizes.patch,
        num_classes=sizes.classes,
        dim=sizes.dim,
        depth=sizes.depth,
        heads=sizes.heads,
        dim_head=sizes.dim // sizes.heads,
        mlp_dim=sizes.mlp,
    )


class OnKeras:
    """A Keras model, with the images and labels that it trains on."""

    def __init__(self, contender, sizes, images, labels, group):
        import keras

        dtype = "mixed_bfloat16" if contender.dtype == "bfloat16" else "float32"
        make = {"keras_vit": keras_vit_model, "keras_hub": keras_hub_model}[contender.library]
        model = make(sizes, dtype)
        self.parameters = model.count_params()
        if contender.library == "keras_vit":
            from keras_vit import AugmentedModel

            model = AugmentedModel(model)
            options = {}
        else:
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            options = {"loss": loss, "jit_compile": contender.compiled}
        group = 1 if contender.backend == "torch" else group
        model.compile(keras.optimizers.AdamW(1e-3), steps_per_execution=group, **options)
        self.model, self.images, self.labels, self.batch = model, images, labels, sizes.batch
        self.one_batch_at_a_time = contender.backend == "tensorflow" and group == 1

    def batches(self, steps):
        for step in range(steps):
            yield slice(step * self.batch, (step + 1) * self.batch)

    def train(self, steps):
        if self.one_batch_at_a_time:
            for part in self.batches(steps):
                loss = self.model.train_on_batch(self.images[part], self.labels[part])
            return float(np.ravel(loss)[0])  # A model with metrics returns a list.
        count = steps * self.batch
        history = self.model.fit(
            self.images[:count], self.labels[:count], batch_size=self.batch, verbose=0
        )
        return history.history["loss"][-1]

    def infer(self, steps):
        if self.one_batch_at_a_time:
            for part in self.batches(steps):
                self.model.predict_on_batch(self.images[part])
        else:
            self.model.predict(self.images[: steps * self.batch], batch_size=self.batch, verbose=0)


class OnTorch:
    """A PyTorch model in the loop that PyTorch users write."""

    def __init__(self, contender, sizes, images, labels, group):
        import torch

        self.torch = torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_float32_matmul_precision("high")
        make = {
            "timm": timm_model,
            "transformers": transformers_model,
            "vit_pytorch": vit_pytorch_model,
        }[contender.library]
        model = make(sizes).to(self.device)
        self.parameters = sum(p.numel() for p in model.parameters())
        self.optimizer = torch.optim.AdamW(model.parameters(), 1e-3, fused=True)
        self.model = torch.compile(model) if contender.compiled else model
        self.half = contender.dtype == "bfloat16"
        images = (images.astype("float32") / 127.5 - 1).transpose(0, 3, 1, 2)
        self.images = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        self.labels = torch.from_numpy(labels.astype("int64")).to(self.device)
        self.batch = sizes.batch

    def logits(self, step):
        part = slice(step * self.batch, (step + 1) * self.batch)
        with self.torch.autocast(self.device, dtype=self.torch.bfloat16, enabled=self.half):
            out = self.model(self.images[part])
        return getattr(out, "logits", out), self.labels[part]

    def train(self, steps):
        self.model.train()
        for step in range(steps):
            logits, labels = self.logits(step)
            loss = self.torch.nn.functional.cross_entropy(logits.float(), labels)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
        return float(loss.detach())  # This waits for the device.

    def infer(self, steps):
        self.model.eval()
        with self.torch.inference_mode():
            for step in range(steps):
                logits, _ = self.logits(step)
        logits.float().cpu()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", choices=CONTENDERS, required=True, help="the contender")
    parser.add_argument("--model", choices=MODELS, required=True, help="the sizes of its model")
    parser.add_argument("--batch", type=int, help="images in a batch (default: the model's)")
    parser.add_argument("--steps", type=int, required=True, help="the most steps in a turn")
    parser.add_argument("--group", type=int, default=1, help="Keras's steps_per_execution")
    flags = parser.parse_args()
    contender, sizes = CONTENDERS[flags.contender], MODELS[flags.model]
    if flags.batch:
        sizes = sizes._replace(batch=flags.batch)
    take_turns(lambda: begin(contender, sizes, flags))


def begin(contender, sizes, flags):
    """Build a contender; return its first message and its two tasks."""
    os.environ["KERAS_BACKEND"] = contender.backend
    if contender.onednn:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # TensorFlow reads it on import.
    rng = np.random.default_rng(0)
    count = flags.steps * sizes.batch
    images = rng.integers(0, 256, (count, sizes.image, sizes.image, 3)).astype("uint8")
    labels = rng.integers(0, sizes.classes, count).astype("int32")
    on_keras = contender.library in ("keras_vit", "keras_hub")
    if not on_keras:
        import_torchvision()
    started = time.perf_counter()
    __import__(contender.library)
    imported = time.perf_counter()
    make = OnKeras if on_keras else OnTorch
    runner = make(contender, sizes, images, labels, flags.group)
    built = time.perf_counter()
    loss = runner.train(flags.group)
    message = {
        "import_seconds": imported - started,
        "first_step_seconds": time.perf_counter() - built,
        "parameters": runner.parameters,
        "first_loss": loss,
        "version": version(contender.library),
    }
    return message, {"train": runner.train, "infer": runner.infer}


def import_torchvision():
    """Import torchvision for the libraries that need it.

    PyPI's torchvision does not load beside the CPU build of PyTorch unless it can register its
    operations, so that registration is replaced by a function that does nothing.
    """
    import torch

    register, torch.library.register_fake = torch.library.register_fake, lambda *_, **__: do_nothing
    with contextlib.suppress(ImportError):
        __import__("torchvision")
    torch.library.register_fake = register


def do_nothing(function):
    return function


def version(library):
    try:
        return importlib.metadata.version(library.replace("_", "-"))
    except importlib.metadata.PackageNotFoundError:
        return "not installed as a package"


if __name__ == "__main__":
    main()
