"""The residual blocks of ResNet, with batch norm after every convolution."""

import keras
from keras import ops

from keras_vit.layers.composite import CompositeLayer


class ResidualBlock(CompositeLayer):
    """Convolutions with batch norm beside a shortcut; the base class of two kinds of blocks.

    Source: the ResNet paper (arXiv 1512.03385). ReLU follows every batch norm but the last, and the
    sum. The shortcut is a 1x1 convolution with batch norm if the block changes the shape (option B
    of section 3.3); otherwise it is the input itself. A subclass gives the convolutions by
    `convolution_sizes`.

    Args:
        filters: int, number of filters of the 3x3 convolutions.
        stride: int, stride of the first 3x3 convolution and of the shortcut. Default: 1.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / stride, W / stride, expansion * filters)`, rounded up.
    """

    expansion = 1
    use_bias = False  # The convolutions have no bias, because the batch norms have a beta.

    def __init__(self, filters: int, stride: int = 1, **kwargs) -> None:
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

    def convolution_sizes(self) -> list[tuple[int, int, int]]:
        """Return (filters, kernel size, stride) of each convolution."""
        raise NotImplementedError

    def build(self, input_shape: tuple) -> None:
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

    def call(self, x, training: bool | None = None):
        shortcut = x
        if self.projects:
            shortcut = self.shortcut_norm(self.shortcut(x), training=training)
        return ops.relu(shortcut + self.branch(x, training))

    def branch(self, x, training: bool | None):
        """Compute the convolutions, whose output is added to the shortcut."""
        for conv, norm in zip(self.convolutions, self.norms, strict=True):
            x = norm(conv(x), training=training)
            if norm is not self.norms[-1]:
                x = ops.relu(x)
        return x

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        for conv in self.convolutions:
            input_shape = conv.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "filters": self.filters, "stride": self.stride}


@keras.saving.register_keras_serializable(package="keras_vit")
class BasicBlock(ResidualBlock):
    """The `ResidualBlock` of ResNet-18 and ResNet-34, with two 3x3 convolutions."""

    def convolution_sizes(self):
        return [(self.filters, 3, self.stride), (self.filters, 3, 1)]


@keras.saving.register_keras_serializable(package="keras_vit")
class BottleneckBlock(ResidualBlock):
    """The `ResidualBlock` of ResNet-50, with convolutions of 1x1, 3x3 and 1x1.

    The 3x3 convolution has the stride, as in torchvision; in the paper the first 1x1 convolution
    has it.
    """

    expansion = 4

    def convolution_sizes(self):
        wide = self.expansion * self.filters
        return [(self.filters, 1, 1), (self.filters, 3, self.stride), (wide, 1, 1)]


@keras.saving.register_keras_serializable(package="keras_vit")
class PaddedConv2D(keras.layers.Conv2D):
    """A convolution that pads half the kernel size on every side, as PyTorch does.

    Keras's padding "same" differs for a stride of 2 and an even side: it adds one row and one
    column less in front, so that the shape is the same and the values are not.

    Args:
        *args: arguments of `keras.layers.Conv2D`; the kernel size must be odd.
        **kwargs: arguments of `keras.layers.Conv2D`; `padding` must be "same".
    """

    def convolution_op(self, inputs, kernel):
        rows, columns = (size // 2 for size in self.kernel_size)
        inputs = ops.pad(inputs, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
        return ops.conv(inputs, kernel, strides=list(self.strides), padding="valid")


def convolution(
    filters: int,
    size: int,
    stride: int,
    name: str,
    use_bias: bool,
    policy: keras.DTypePolicy,
) -> keras.layers.Conv2D:
    """Make a convolution of `size` x `size`, padded and initialised as in torchvision."""
    layer_class = keras.layers.Conv2D if size == 1 else PaddedConv2D
    return layer_class(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=use_bias,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        dtype=policy,
        name=name,
    )


def batch_norm(name: str, policy: keras.DTypePolicy) -> keras.layers.BatchNormalization:
    """Make a batch norm with the constants of PyTorch.

    PyTorch's momentum of 0.1 is the share of the new batch; Keras's is the share of the old mean.
    """
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=policy, name=name)
