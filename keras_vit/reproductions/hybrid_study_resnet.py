"""The ResNet of github.com/ra1ph2/Vision-Transformer, and the one under its hybrid."""

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
    """The study's own ResNet-34: biases in the convolutions, `HybridStudyResidualBlock`s.

    21,298,314 trainable parameters by default.

    Args:
        image_shape: (height, width, channels).
        num_classes: width of the head.
        units: number of blocks of each stage.
        width: of the stem and the first stage; doubles from stage to stage.
        rescaling: (scale, offset) of the pixels.
        class_names: names of the classes, kept with the model.
        dtype: dtype policy; logits stay float32.
        name: of the model.

    Input shape: `(B, height, width, channels)`, values 0-255.

    Output shape: `(B, num_classes)` float32 logits.
    """

    def __init__(
        self,
        image_shape=(224, 224, 3),
        num_classes=10,
        units=(3, 4, 6, 3),
        width=64,
        rescaling=(1 / 127.5, -1.0),
        class_names=None,
        dtype=None,
        name="hybrid_study_resnet",
    ):
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
    """A `BasicBlock` with biases, and with a ReLU on the branch too before it is added."""

    use_bias = True

    def branch(self, x, training):
        return ops.relu(super().branch(x, training))


@keras.saving.register_keras_serializable(package="keras_vit")
class ResNet34Stage(CompositeLayer):
    """ResNet-34 up to the end of its first stage, with the stem for ImageNet (arXiv 1512.03385).

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / 4, W / 4, 64)`, rounded up.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.conv = convolution(64, 7, 2, "conv", False, policy)
        self.norm = batch_norm("norm", policy)
        self.pad = keras.layers.ZeroPadding2D(1, dtype=policy, name="pad")
        self.pool = keras.layers.MaxPooling2D(3, 2, dtype=policy, name="pool")
        self.blocks = [BasicBlock(64, dtype=policy, name=f"block_{i}") for i in range(3)]

    def build(self, input_shape):
        self.conv.build(input_shape)
        shape = self.conv.compute_output_shape(input_shape)
        for layer in (self.norm, self.pad, self.pool):
            layer.build(shape)
        for block in self.blocks:
            block.build(self.compute_output_shape(input_shape))

    def call(self, x, training=None):
        x = self.pool(self.pad(ops.relu(self.norm(self.conv(x), training=training))))
        for block in self.blocks:
            x = block(x, training=training)
        return x

    def compute_output_shape(self, input_shape):
        shape = self.conv.compute_output_shape(input_shape)
        return self.pool.compute_output_shape(self.pad.compute_output_shape(shape))
