"""ResNet, a convolutional network to compare ViTs with."""

from collections.abc import Sequence

import keras

from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import check_images, head
from keras_vit.models.residual_block import BasicBlock, BottleneckBlock, batch_norm, convolution

STEMS = ("small", "imagenet")

# Table 1 of the ResNet paper gives the block of each depth and how many blocks each stage has.
DEPTHS = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (BottleneckBlock, (3, 4, 6, 3)),
}


@keras.saving.register_keras_serializable(package="keras_vit")
class ResNet(ConfiguredModel):
    """ResNet with batch norm after every convolution, to compare ViTs with.

    Source: arXiv 1512.03385. The model computes the same function as torchvision's models of these
    depths. With 1,000 classes and the stem "imagenet" ResNet-34 has 21,797,672 trainable parameters
    and ResNet-50 has 25,557,032.

    Args:
        depth: 18, 34 or 50, number of layers. Default: 34.
        image_shape: tuple of 3 ints, (height, width, channels). Default: (32, 32, 3).
        num_classes: int, number of classes. With 0 the model has no head and returns the pooled
            features. Default: 10.
        stem: "small" (a 3x3 convolution, for images of 32x32 pixels) or "imagenet" (a 7x7
            convolution with stride 2 and 3x3 max-pooling with stride 2). Default: "small".
        width: int, width of the stem and of the first stage. It doubles from stage to stage.
            Default: 64.
        rescaling: pair (scale, offset), each a number or one number for each channel. The model
            computes `pixels * scale + offset`. Default: (1 / 127.5, -1.0).
        class_names: sequence of str or None, names of the classes, saved with the model. Default:
            None.
        dtype: dtype policy or None for Keras's global policy. The rescaling and the logits are
            always float32. Default: None.
        name: str or None, name of the model. None: "resnet" and the depth. Default: None.

    Input shape: `(B, height, width, channels)`, values 0-255, float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits, or `(B, features)` with `num_classes=0`.

    Raises:
        ValueError: if there is no such depth or stem.
    """

    def __init__(
        self,
        depth: int = 34,
        image_shape: tuple[int, int, int] = (32, 32, 3),
        num_classes: int = 10,
        stem: str = "small",
        width: int = 64,
        rescaling: tuple = (1 / 127.5, -1.0),
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        name: str | None = None,
    ) -> None:
        arguments = arguments_of(ResNet, locals())
        check_images(image_shape, num_classes, class_names)
        if depth not in DEPTHS:
            raise ValueError(f"`depth` must be one of {tuple(DEPTHS)}. Received: depth={depth}")
        arguments["name"] = name or f"resnet{depth}"
        block, units = DEPTHS[depth]
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        x = resnet_stem(x, stem, width, policy)
        x = residual_stages(x, block, units, width, policy)
        super().__init__(images, pooled_and_classified(x, num_classes, policy), arguments)


def resnet_stem(x, stem: str, width: int, policy: keras.DTypePolicy, use_bias: bool = False):
    """Add the layers in front of the first stage.

    Args:
        x: tensor `(B, H, W, C)`.
        stem: "small" (the height and width stay) or "imagenet" (they become a quarter).
        width: int, number of filters.
        policy: dtype policy of the layers.
        use_bias: bool, whether the convolution has a bias. Default: False.

    Returns:
        Tensor `(B, H, W, width)` or `(B, H / 4, W / 4, width)`.

    Raises:
        ValueError: if there is no such stem.
    """
    if stem not in STEMS:
        raise ValueError(f"`stem` must be one of {STEMS}. Received: stem={stem!r}")
    size, stride = (7, 2) if stem == "imagenet" else (3, 1)
    x = convolution(width, size, stride, "stem_conv", use_bias, policy)(x)
    x = batch_norm("stem_norm", policy)(x)
    x = keras.layers.ReLU(dtype=policy, name="stem_relu")(x)
    if stem == "imagenet":
        # PyTorch pads with minus infinity. Zeros give the same maximum, because no value is
        # negative after ReLU.
        x = keras.layers.ZeroPadding2D(1, dtype=policy, name="stem_pad")(x)
        x = keras.layers.MaxPooling2D(3, 2, dtype=policy, name="stem_pool")(x)
    return x


def residual_stages(x, block: type, units: Sequence[int], width: int, policy: keras.DTypePolicy):
    """Add the stages of residual blocks, which are named `stage_1_block_0` and so on.

    Args:
        x: tensor `(B, H, W, C)`.
        block: subclass of `ResidualBlock`.
        units: sequence of ints, number of blocks in each stage. Every stage but the first halves
            the height and width.
        width: int, number of filters of the first stage. It doubles from stage to stage.
        policy: dtype policy of the layers.

    Returns:
        The output of the last stage.
    """
    for stage, count in enumerate(units):
        for i in range(count):
            stride = 2 if stage and not i else 1
            name = f"stage_{stage + 1}_block_{i}"
            x = block(width << stage, stride, dtype=policy, name=name)(x)
    return x


def pooled_and_classified(x, num_classes: int, policy: keras.DTypePolicy):
    """Add the pooling and the head.

    Args:
        x: tensor `(B, H, W, C)`.
        num_classes: int, number of classes; 0 adds no head.
        policy: dtype policy of the pooling.

    Returns:
        The logits `(B, num_classes)`, or with 0 classes the mean of the map, `(B, C)`.
    """
    x = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pooled")(x)
    return head(num_classes, policy)(x) if num_classes else x
