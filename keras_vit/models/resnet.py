import keras

from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import check_images, head
from keras_vit.models.residual_block import BasicBlock, BottleneckBlock, batch_norm, convolution

STEMS = ("small", "imagenet")

# Table 1 of the ResNet paper: the block, and how many of it each stage has.
DEPTHS = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (BottleneckBlock, (3, 4, 6, 3)),
}


@keras.saving.register_keras_serializable(package="keras_vit")
class ResNet(ConfiguredModel):
    """ResNet with batch norm after the convolutions (arXiv 1512.03385), to compare ViTs with.

    The same function as torchvision's models of these depths. With 1,000 classes and the
    "imagenet" stem 34 layers have 21,797,672 trainable parameters, 50 have 25,557,032.

    Args:
        depth: 18, 34 or 50 layers.
        image_shape: (height, width, channels).
        num_classes: width of the head; 0 leaves it off and gives the pooled features.
        stem: "small" (a 3x3 convolution, for 32x32 images) or "imagenet" (a 7x7 convolution with
            stride 2 and 3x3 max-pooling with stride 2).
        width: of the stem and the first stage; doubles from stage to stage.
        rescaling: (scale, offset) of the pixels, each a number or one for each channel.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; None is Keras's global one. Rescaling and logits stay float32.
        name: of the model; None is "resnet" and the depth.

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: for another depth or stem.
    """

    def __init__(
        self,
        depth=34,
        image_shape=(32, 32, 3),
        num_classes=10,
        stem="small",
        width=64,
        rescaling=(1 / 127.5, -1.0),
        class_names=None,
        dtype=None,
        name=None,
    ):
        arguments = arguments_of(ResNet, locals())
        check_images(image_shape, num_classes, class_names)
        if depth not in DEPTHS:
            raise ValueError(f"`depth` must be one of {tuple(DEPTHS)}. Received: {depth}")
        arguments["name"] = name or f"resnet{depth}"
        block, units = DEPTHS[depth]
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        x = resnet_stem(x, stem, width, policy)
        x = residual_stages(x, block, units, width, policy)
        super().__init__(images, pooled_and_classified(x, num_classes, policy), arguments)


def resnet_stem(x, kind, width, policy, use_bias=False):
    """What comes before the first stage.

    Args:
        x: `(B, H, W, C)`.
        kind: "small" (the map keeps its size) or "imagenet" (it is quartered).
        width: of the result.
        policy: dtype policy.
        use_bias: of the convolution.
    """
    if kind not in STEMS:
        raise ValueError(f"`stem` must be one of {STEMS}. Received: {kind!r}")
    size, stride = (7, 2) if kind == "imagenet" else (3, 1)
    x = convolution(width, size, stride, "stem_conv", use_bias, policy)(x)
    x = batch_norm("stem_norm", policy)(x)
    x = keras.layers.ReLU(dtype=policy, name="stem_relu")(x)
    if kind == "imagenet":
        # After ReLU zeros are as good as PyTorch's minus infinity.
        x = keras.layers.ZeroPadding2D(1, dtype=policy, name="stem_pad")(x)
        x = keras.layers.MaxPooling2D(3, 2, dtype=policy, name="stem_pool")(x)
    return x


def residual_stages(x, block, units, width, policy):
    """Stages of residual blocks, `stage_1_block_0` and on; all but the first halve the map.

    Args:
        x: `(B, H, W, C)`.
        block: a `ResidualBlock` class.
        units: number of blocks of each stage.
        width: filters of the first stage; doubles from stage to stage.
        policy: dtype policy.
    """
    for stage, count in enumerate(units):
        for i in range(count):
            stride = 2 if stage and not i else 1
            name = f"stage_{stage + 1}_block_{i}"
            x = block(width << stage, stride, dtype=policy, name=name)(x)
    return x


def pooled_and_classified(x, num_classes, policy):
    """Logits of a map `(B, H, W, C)`, or its mean with 0 classes."""
    x = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pooled")(x)
    return head(num_classes, policy)(x) if num_classes else x
