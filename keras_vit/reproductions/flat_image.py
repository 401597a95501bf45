"""Transformers that take an image as one vector, on MNIST.

    keras-vit study flat_image --variant plain        mini-ViT
    keras-vit study flat_image --variant augmented    or another
    keras-vit study flat_image --all                  all of them

The systems of github.com/DFin/ViT: attention among the features of the flattened image, in 118 to
493 million parameters. Models and rates as coded; how many epochs each was trained, and the batch
of the first, were not published: 100 epochs here, in batches of 2,048 as the code's other training
has. On a CPU, `--accumulate 8` takes such batches in parts, and `--variant cpu` is mini-ViT with a
training that fits an hour: smaller batches, a schedule that ends at 0, images turned and shifted a
little.
"""

import dataclasses
import math
from numbers import Integral

import keras

from keras_vit.layers import LayerNormalization
from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import head
from keras_vit.reproductions.feature_attention import FlatBlock
from keras_vit.reproductions.initialization import start_as_pytorch
from keras_vit.runs.preset import Preset
from keras_vit.runs.recipe import Recipe

KINDS = ("plain", "concat", "encoder_decoder")


@keras.saving.register_keras_serializable(package="keras_vit")
class FlatViT(ConfiguredModel):
    """The flat-image Transformers of github.com/DFin/ViT, as their code has them.

    "plain" (mini-ViT): the flattened image goes straight into the blocks; 118,148,810 parameters
    on MNIST. "concat": each block sees its input beside the image, twice as wide, and a Dense
    layer brings it back; 492,622,490 with 16 heads. "encoder_decoder": before each of the blocks,
    whose attention is a cross-attention, stands an encoder block of its own for the image; the
    encoder blocks of the image are not chained; 265,841,866 with 12 blocks.

    Args:
        image_shape: (height, width, channels); their product is the width of the tokens.
        num_classes: width of the head.
        kind: "plain", "concat" or "encoder_decoder".
        depth: number of blocks.
        num_heads: heads of attention; must divide the width, with "concat" twice it.
        dropout: of the attention, from 0 to below 1.
        rescaling: (scale, offset) of the pixels.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; logits stay float32.
        name: of the model.

    Input shape: `(B, height, width, channels)`, values 0-255.

    Output shape: `(B, num_classes)` float32 logits.

    Raises:
        ValueError: for an unknown kind, or sizes that make no model.
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        num_classes=10,
        kind="plain",
        depth=16,
        num_heads=14,
        dropout=0.1,
        rescaling=(1 / 255, 0.0),
        class_names=None,
        dtype=None,
        name="flat_vit",
    ):
        arguments = arguments_of(FlatViT, locals())
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: {kind!r}")
        if not isinstance(depth, Integral) or depth < 1:
            raise ValueError(f"`depth` must be a positive int. Received: {depth}")
        if class_names is not None and len(class_names) != num_classes:
            raise ValueError(f"{len(class_names)} class names for num_classes={num_classes}.")
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        image = keras.layers.Flatten(dtype=policy, name="flatten")(x)
        block = {"num_heads": num_heads, "dropout": dropout, "dtype": policy}
        if kind == "plain":
            x = self._plain(image, depth, block)
        elif kind == "concat":
            x = self._concatenating(image, depth, block, math.prod(image_shape), policy)
        else:
            x = self._encoder_decoder(image, depth, block)
        x = LayerNormalization(epsilon=1e-5, dtype=policy, name="norm")(x)
        super().__init__(images, head(num_classes, policy)(x), arguments)
        start_as_pytorch(self)

    @staticmethod
    def _plain(image, depth, block):
        x = image
        for i in range(depth):
            x = FlatBlock(name=f"block_{i}", **block)(x)
        return x

    @staticmethod
    def _concatenating(image, depth, block, dim, policy):
        def beside(x, name):
            narrow = keras.layers.Dense(dim, dtype=policy, name=f"narrow_{name}")(x)
            return keras.layers.Concatenate(dtype=policy, name=f"beside_{name}")([narrow, image])

        x = beside(image, "image")
        for i in range(depth):
            x = beside(FlatBlock(name=f"block_{i}", **block)(x), i)
        return x

    @staticmethod
    def _encoder_decoder(image, depth, block):
        x = image
        for i in range(depth):
            x = FlatBlock(name=f"encoder_{i}", **block)(x)
            memory = FlatBlock(name=f"image_encoder_{i}", **block)(image)
            x = FlatBlock(name=f"decoder_{i}", **block)(x, memory)
        return x


PLAIN = Preset(
    summary="mini-ViT: 118 M parameters, no augmentation, 100 epochs",
    expect="about 98.5 % as published",
    epochs=100,
    checkpoint_epochs=10,  # a checkpoint is 1.4 GB and more
    model_class="FlatViT",
    batch_size=2048,
    optimizer="adamw_all",
    weight_decay=0.01,
    schedule="constant",
    peak_learning_rate=1e-4,
    label_smoothing=0.0,
)
AUGMENTED = dataclasses.replace(
    PLAIN,
    summary="mini-ViT with turned and shifted images, 100 epochs",
    expect="99.3 % as published",
    schedule="exponential_by_epoch",
    peak_learning_rate=3e-4,
    epoch_decay=0.999,
    affine={"degrees": 30, "shift": 6},
)

RECIPE = Recipe(
    name="flat_image",
    data="mnist",
    study=True,
    presets={
        "plain": PLAIN,
        "cpu": dataclasses.replace(
            PLAIN,
            summary="mini-ViT with a training for a CPU, 12 epochs",
            expect="no number was published for it; here 99.12 % in 45 minutes on 2 CPU cores",
            epochs=12,
            checkpoint_epochs=4,
            batch_size=512,
            schedule="cosine",
            peak_learning_rate=5e-4,
            final_learning_rate=0.0,
            warmup_epochs=1,
            weight_decay=0.05,
            affine={"degrees": 10, "shift": 2},
        ),
        "concat": dataclasses.replace(
            PLAIN,
            summary="each block sees the image too: 493 M parameters, 100 epochs",
            expect="no better than mini-ViT, as published",
            model={"kind": "concat", "num_heads": 16},
        ),
        "augmented": AUGMENTED,
        "encoder-decoder": dataclasses.replace(
            AUGMENTED,
            summary="cross-attention to the image: 266 M parameters, 100 epochs",
            model={"kind": "encoder_decoder", "depth": 12},
            affine={"degrees": 20, "shift": 6},
        ),
    },
    on_cpu="cpu",
    on_gpu="plain",
)

FORM = "as coded; epochs and the first batch size are not published"
# In percent, as published.
PUBLISHED = {
    "plain": {"test": "about 98.5"},
    "cpu": {"form": "mini-ViT in a training of ours"},
    "concat": {
        "test": "no better",
        "form": "trained as mini-ViT: its own training is not published",
    },
    "augmented": {"test": "99.3"},
    "encoder-decoder": {"test": "99.3"},
}
