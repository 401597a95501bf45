"""The residual blocks of ResNet, with batch norm after every convolution (arXiv 1512.03385)."""

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer


class ResidualBlock(CompositeLayer):
    """Convolutions beside a shortcut, with batch norm, and ReLU on all but the last and the sum.

    The shortcut is a 1x1 convolution with batch norm where the shape changes (option B of the
    ResNet paper, section 3.3), else the input itself. A subclass says which convolutions.

    Args:
        filters: of the 3x3 convolutions.
        stride: of the first 3x3 convolution and the shortcut.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / stride, W / stride, expansion * filters)`, rounded up.
    """

    expansion = 1
    use_bias = False  # of the convolutions; what follows each has a beta

    def __init__(self, filters, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride
        shared = {"use_bias": self.use_bias, "policy": self.dtype_policy}
        self.convolutions = [
            convolution(*sizes, name=f"conv_{i}", **shared)
            for i, sizes in enumerate(self.convolution_sizes(), 1)
        ]
        self.norms = [
            batch_norm(f"norm_{i}", self.dtype_policy) for i in range(1, len(self.convolutions) + 1)
        ]

    def convolution_sizes(self):
        """(filters, kernel size, stride) of each convolution."""
        raise NotImplementedError

    def build(self, input_shape):
        width = self.expansion * self.filters
        self.projects = self.stride != 1 or input_shape[-1] != width
        if self.projects:
            self.shortcut = convolution(
                width, 1, self.stride, "shortcut", self.use_bias, self.dtype_policy
            )
            self.shortcut.build(input_shape)
            self.shortcut_norm = batch_norm("shortcut_norm", self.dtype_policy)
            self.shortcut_norm.build(self.shortcut.compute_output_shape(input_shape))
        shape = input_shape
        for conv, norm in zip(self.convolutions, self.norms, strict=True):
            conv.build(shape)
            shape = conv.compute_output_shape(shape)
            norm.build(shape)

    def call(self, x, training=None):
        shortcut = x
        if self.projects:
            shortcut = self.shortcut_norm(self.shortcut(x), training=training)
        return ops.relu(shortcut + self.branch(x, training))

    def branch(self, x, training):
        """What is added to the shortcut."""
        for conv, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(conv(x), training=training)
            if norm is not self.norms[-1]:
                x = ops.relu(x)
        return x

    def compute_output_shape(self, input_shape):
        for conv in self.convolutions:
            input_shape = conv.compute_output_shape(input_shape)
        return input_shape

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "stride": self.stride}


@keras.saving.register_keras_serializable(package="keras_vit")
class BasicBlock(ResidualBlock):
    """Two 3x3 convolutions: the block of ResNet-18 and 34. Otherwise as `ResidualBlock`."""

    def convolution_sizes(self):
        return [(self.filters, 3, self.stride), (self.filters, 3, 1)]


@keras.saving.register_keras_serializable(package="keras_vit")
class BottleneckBlock(ResidualBlock):
    """1x1, 3x3 and 1x1 convolutions: the block of ResNet-50. Otherwise as `ResidualBlock`.

    The stride is that of the 3x3 convolution, as in torchvision, where the paper has it in the
    first 1x1.
    """

    expansion = 4

    def convolution_sizes(self):
        wide = self.expansion * self.filters
        return [(self.filters, 1, 1), (self.filters, 3, self.stride), (wide, 1, 1)]


@keras.saving.register_keras_serializable(package="keras_vit")
class PaddedConv2D(keras.layers.Conv2D):
    """A convolution padded by half its kernel on every side, as PyTorch's are.

    Keras's "same" takes one row and column less in front where a stride of 2 meets an even side:
    the shape is equal, the values are not.

    Args:
        *args, **kwargs: as in `keras.layers.Conv2D`, with an odd kernel and `padding="same"`.
    """

    def convolution_op(self, inputs, kernel):
        rows, columns = (size // 2 for size in self.kernel_size)
        inputs = ops.pad(inputs, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
        return ops.conv(inputs, kernel, strides=list(self.strides), padding="valid")


def convolution(filters, size, stride, name, use_bias, policy):
    kind = keras.layers.Conv2D if size == 1 else PaddedConv2D
    return kind(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        dtype=policy,
        name=name,
    )


def batch_norm(name, policy):
    # PyTorch's numbers, whose momentum counts the other way round
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=policy, name=name)
