"""The augmenters of augmentation_throughput.py, one of which runs in a process of its own."""

import argparse
import os

import numpy as np
from turns import take_turns

BATCH, SIDE = 256, 32
SCALE = (0.8, 1.0)
CORES = os.cpu_count()
AUGMENTERS = {
    "ours, TensorFlow": "tensorflow",
    "ours, JAX": "jax",
    "ours, PyTorch": "torch",
    "torchvision, 1 worker": 1,
    f"torchvision, {CORES} workers": CORES,
    "Keras RandAugment, TensorFlow": "tensorflow",
    "Keras RandAugment, JAX": "jax",
    "Keras RandAugment, PyTorch": "torch",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--augmenter", choices=AUGMENTERS, required=True)
    parser.add_argument("--steps", type=int, required=True)
    flags = parser.parse_args()
    take_turns(lambda: begin(flags.augmenter, AUGMENTERS[flags.augmenter], flags.steps))


def begin(name, engine, steps):
    images = np.random.default_rng(0).integers(0, 256, (BATCH * steps, SIDE, SIDE, 3))
    images = images.astype("uint8")
    if name.startswith("torchvision"):
        augment = through_torchvision(images, engine)
    else:
        os.environ["KERAS_BACKEND"] = engine
        batches = images.reshape(steps, BATCH, SIDE, SIDE, 3)
        augment = through_keras(batches, ours() if name.startswith("ours") else keras_own())
    augment(1)
    return {"batch": BATCH}, {"augment": augment}


def ours():
    import keras

    from keras_vit import AutoAugment, RandomResizedCrop

    flip = keras.layers.RandomFlip("horizontal", dtype="float32")
    return [RandomResizedCrop(SIDE, SIDE, SCALE), flip, AutoAugment()], True


def keras_own():
    import keras

    # There is no crop, because Keras's RandomCrop draws only once for a batch, as RandAugment does.
    # XLA cannot compile RandAugment on TensorFlow.
    flip = keras.layers.RandomFlip("horizontal")
    return [flip, keras.layers.RandAugment((0, 255))], False


def through_keras(batches, layers):
    """Return a function that augments a number of batches, compiled where that is possible."""
    import keras
    from keras import ops

    layers, can_jit = layers

    def chain(x):
        for layer in layers:
            x = layer(x, training=True)
        return x

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        function = tf.function(chain, jit_compile=can_jit)
    elif backend == "jax":
        function = on_jax(chain, layers)
    else:
        function = chain

    def augment(steps):
        for batch in batches[:steps]:
            out = function(ops.convert_to_tensor(batch))
        ops.convert_to_numpy(out)  # This waits for the last batch, and so for all batches.

    return augment


def on_jax(chain, layers):
    """Compile the chain of layers, with the states of the seeds as arguments and results."""
    import jax
    import keras

    seeds = [v for layer in layers for v in layer.variables]

    @jax.jit
    def stateless(values, x):
        with keras.StatelessScope(list(zip(seeds, values, strict=True))) as scope:
            out = chain(x)
        return out, [scope.get_current_value(v) for v in seeds]

    def function(x):
        out, values = stateless([v.value for v in seeds], x)
        for variable, value in zip(seeds, values, strict=True):
            variable.assign(value)
        return out

    return function


def through_torchvision(images, workers):
    """Return a function that takes an epoch of batches from a DataLoader with workers."""
    import torch
    from contenders import import_torchvision

    import_torchvision()
    from PIL import Image
    from torchvision import transforms

    chain = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIDE, scale=SCALE),
            transforms.RandomHorizontalFlip(),
            transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10),
            transforms.PILToTensor(),
        ]
    )
    pictures = [Image.fromarray(image) for image in images]

    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return len(pictures)

        def __getitem__(self, index):
            return chain(pictures[index])

    loader = torch.utils.data.DataLoader(
        Pictures(), BATCH, num_workers=workers, persistent_workers=True
    )

    def augment(_):
        """Take a whole epoch, so that no worker works ahead during the turns of others."""
        for batch in loader:
            len(batch)

    return augment


if __name__ == "__main__":
    main()
