"""Train the Vision Transformer example of keras.io for a given time, to compare with.

    python benchmarks/keras_io_vit.py --minutes 10 [--data cifar10] [--out FILE.json]

Model, augmentation and AdamW have the numbers of "Image classification with Vision Transformer"
(keras.io/examples/vision/image_classification_with_vision_transformer, K. Salama): images of 72x72
pixels, patches of 6 pixels, 8 blocks of width 64 with 4 heads, an MLP of 2,048 and 1,024 on all
tokens side by side, batches of 256 images, a constant rate of 1e-3, and float32. The example is for
CIFAR-100 and holds out a tenth of the images for validation. Here the model trains on all training
images, and its last weights are tested once, at the end. The minutes count from the start of the
imports to the last step; the test comes after them.
"""

import time

STARTED = time.perf_counter()

import argparse  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

# With this path the script runs without an installed package.
sys.path.insert(0, str(Path(__file__).parents[1]))

import keras  # noqa: E402
from keras import layers, ops  # noqa: E402

from keras_vit import load_data  # noqa: E402
from keras_vit.backend.hardware import device_kind  # noqa: E402
from keras_vit.files import write_json  # noqa: E402

SIDE, PATCH, DIM, HEADS, DEPTH = 72, 6, 64, 4, 8
BLOCK_MLP, HEAD_MLP = (2 * DIM, DIM), (2048, 1024)
BATCH, RATE, DECAY = 256, 1e-3, 1e-4
MOST_EPOCHS = 1_000_000  # More than any training has; the clock ends the training.


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, required=True, help="the time to train")
    parser.add_argument(
        "--data", default="cifar10", help="a data set's name or a .npz file (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args(arguments)
    if not flags.minutes > 0:
        parser.exit(
            2,
            "keras_io_vit.py: error: --minutes must be greater than 0. "
            f"Received: {flags.minutes}\n",
        )
    try:
        data = load_data(flags.data)
    except (OSError, ValueError) as error:
        parser.exit(2, f"keras_io_vit.py: error: {error}\n")
    keras.utils.set_random_seed(0)
    model = build(data)
    model.compile(
        keras.optimizers.AdamW(RATE, weight_decay=DECAY),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    clock = StopAt(STARTED + 60 * flags.minutes)
    model.fit(*data.train, batch_size=BATCH, epochs=MOST_EPOCHS, callbacks=[clock])
    seconds = time.perf_counter() - STARTED
    _, accuracy = model.evaluate(*data.test, batch_size=BATCH, verbose=0)
    figures = {
        "what": "the Vision Transformer example of keras.io",
        "data": Path(flags.data).stem,
        "backend": keras.backend.backend(),
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "parameters": model.count_params(),
        "steps": clock.steps,
        "epochs": round(clock.steps / math.ceil(len(data.x_train) / BATCH), 2),
        "seconds": round(seconds, 1),
        "test_accuracy": accuracy,
    }
    print(
        f"keras_io_vit.py: {accuracy:.2%} of {len(data.x_test):,} test images after "
        f"{figures['epochs']} epochs, {seconds:.0f} s"
    )
    if flags.out:
        write_json(flags.out, figures)


class StopAt(keras.callbacks.Callback):
    """A callback that counts the steps and ends the training at a time of `time.perf_counter`."""

    def __init__(self, end):
        super().__init__()
        self.end = end
        self.steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        self.model.stop_training = time.perf_counter() > self.end


def build(data):
    normalization = layers.Normalization()
    normalization.adapt(data.x_train)
    images = keras.Input(data.image_shape)
    x = layers.Resizing(SIDE, SIDE)(normalization(images))
    x = layers.RandomFlip("horizontal")(x)
    x = layers.RandomRotation(0.02)(x)
    x = layers.RandomZoom(0.2, 0.2)(x)
    tokens = (SIDE // PATCH) ** 2
    x = layers.Reshape((tokens, -1))(Patches()(x))
    x = AddPositions(tokens)(layers.Dense(DIM)(x))
    for _ in range(DEPTH):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        x = x + layers.MultiHeadAttention(HEADS, DIM, dropout=0.1)(y, y)
        x = x + mlp(layers.LayerNormalization(epsilon=1e-6)(x), BLOCK_MLP, 0.1)
    x = layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(x))
    x = mlp(layers.Dropout(0.5)(x), HEAD_MLP, 0.5)
    return keras.Model(images, layers.Dense(data.num_classes)(x))


def mlp(x, units, dropout):
    for width in units:
        x = layers.Dropout(dropout)(layers.Dense(width, activation="gelu")(x))
    return x


class Patches(layers.Layer):
    def call(self, images):
        return ops.image.extract_patches(images, PATCH)


class AddPositions(layers.Layer):
    def __init__(self, tokens):
        super().__init__()
        self.positions = layers.Embedding(tokens, DIM)

    def call(self, x):
        return x + self.positions(ops.arange(x.shape[1]))


if __name__ == "__main__":
    main()
