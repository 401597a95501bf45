"""The ResNet-34 of github.com/ra1ph2/Vision-Transformer, and the ResNet stage of its hybrid."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer
from keras_vit.models.configured import ConfiguredModel, arguments_of
from keras_vit.models.encoder import check_images
from keras_vit.models.residual_block import BasicBlock, batch_norm, convolution
from keras_vit.models.resnet import pooled_and_classified, residual_stages, resnet_stem
from keras_vit.reproductions.initialization import start_as_pytorch


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridStudyResNet(ConfiguredModel):
    """The ResNet-34 of the study, with biases in its convolutions and `HybridStudyResidualBlock`s.

    It has 21,298,314 trainable parameters by default. Source: github.com/ra1ph2/Vision-Transformer.

    Args:
        image_shape: tuple of ints, (height, width, channels). Default: (224, 224, 3).
        num_classes: int, number of classes and width of the head. Default: 10.
        units: tuple of ints, number of blocks of each stage. Default: (3, 4, 6, 3).
        width: int, channels of the stem and of the first stage; each stage has twice as many as the
            stage before it. Default: 64.
        rescaling: pair (scale, offset) of the pixels, each a number or one number for each channel.
            Default: (1/127.5, -1).
        class_names: list of str or None, names that are stored in the model. Default: None.
        dtype: Keras dtype policy or its name, or None for Keras's global policy. The logits are
            always float32. Default: None.
        name: str, name of the model. Default: "hybrid_study_resnet".

    Input shape: `(B, height, width, channels)`, values in [0, 255], float32 or uint8.

    Output shape: `(B, num_classes)` float32 logits.

    Raises:
        ValueError: if the class names do not fit `num_classes`.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int] = (224, 224, 3),
        num_classes: int = 10,
        units: tuple[int, ...] = (3, 4, 6, 3),
        width: int = 64,
        rescaling: tuple = (1 / 127.5, -1.0),
        class_names: Sequence[str] | None = None,
        dtype: str | keras.DTypePolicy | None = None,
        name: str = "hybrid_study_resnet",
    ) -> None:
        arguments = arguments_of(HybridStudyResNet, locals())
        check_images(image_shape, num_classes, class_names)
        policy = keras.dtype_policies.get(dtype)
        images = keras.Input(image_shape, name="images")
        x = keras.layers.Rescaling(*rescaling, dtype="float32", name="rescaling")(images)
        x = resnet_stem(x, "imagenet", width, policy, use_bias=True)
        x = residual_stages(x, HybridStudyResidualBlock, units, width, policy)
        super().__init__(images, pooled_and_classified(x, num_classes, policy), arguments)
        start_as_pytorch(self)


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridStudyResidualBlock(BasicBlock):
    """A `BasicBlock` with biases, whose branch passes a ReLU before it is added to the shortcut."""

    use_bias = True

    def branch(self, x, training: bool | None):
        return ops.relu(super().branch(x, training))


@keras.saving.register_keras_serializable(package="keras_vit")
class ResNet34Stage(CompositeLayer):
    """ResNet-34 up to the end of its first stage, with the stem for ImageNet (arXiv 1512.03385).

    Args:
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Call arguments:
        x: float tensor `(B, H, W, C)`.
        training: bool or None, whether batch norms use the batch's statistics. Default: None.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / 4, W / 4, 64)`, with the quotients rounded up.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.conv = convolution(64, 7, 2, "conv", False, policy)
        self.norm = batch_norm("norm", policy)
        self.pad = keras.layers.ZeroPadding2D(1, dtype=policy, name="pad")
        self.pool = keras.layers.MaxPooling2D(3, 2, dtype=policy, name="pool")
        self.blocks = [BasicBlock(64, dtype=policy, name=f"block_{i}") for i in range(3)]

    def build(self, input_shape: tuple) -> None:
        self.conv.build(input_shape)
        shape = self.conv.compute_output_shape(input_shape)
        for layer in (self.norm, self.pad, self.pool):
            layer.build(shape)
        for block in self.blocks:
            block.build(self.compute_output_shape(input_shape))

    def call(self, x, training: bool | None = None):
        x = self.pool(self.pad(ops.relu(self.norm(self.conv(x), training=training))))
        for block in self.blocks:
            x = block(x, training=training)
        return x

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        shape = self.conv.compute_output_shape(input_shape)
        return self.pool.compute_output_shape(self.pad.compute_output_shape(shape))
