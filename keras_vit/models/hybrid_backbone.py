"""The ResNet with StdConv2D and GroupNorm in front of the ViT paper's hybrids.

The layers have the names of the checkpoints of google-research/vision_transformer: the path of a
weight, such as `backbone/block1/unit1/conv1/kernel`, is its key in the checkpoint with `backbone/`
in front. The two differ for gamma and beta, which the checkpoints call scale and bias.
"""

from collections.abc import Sequence

import keras
from keras import ops

from keras_vit.layers import StdConv2D
from keras_vit.layers.composite import CompositeLayer

STEMS = ("imagenet", "small")
EXPANSION = 4


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridBackbone(CompositeLayer):
    """The ResNet that the ViT paper calls "ResNet (BiT)".

    Source: arXiv 2010.11929, sections 3.1 and B.1.

    Args:
        stages: sequence of ints, number of units in each stage. Every stage but the first halves
            the feature map.
        width: int, width of the root and of the 3x3 convolutions in the first stage; a multiple of
            32. It doubles from stage to stage. Default: 64.
        stem: "imagenet" (a 7x7 convolution with stride 2, then 3x3 max-pooling with stride 2) or
            "small" (a 3x3 convolution, for images of 32x32 pixels). Default: "imagenet".
        group_norm_epsilon: float, added to the variance in every GroupNorm; timm uses 1e-5.
            Default: 1e-6.
        std_conv_epsilon: float, added to the variance in every `StdConv2D`; timm uses 1e-8.
            Default: 1e-5.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / s, W / s, F)`, rounded up. With the stem "imagenet" s is 4, with "small"
        it is 1; every stage after the first doubles s. F is four times the width of the last
        stage, or `width` if there are no stages.

    Raises:
        ValueError: if the stem is unknown or the width is not a multiple of 32, the number of
            groups of GroupNorm.
    """

    def __init__(
        self,
        stages: Sequence[int],
        width: int = 64,
        stem: str = "imagenet",
        group_norm_epsilon: float = 1e-6,
        std_conv_epsilon: float = 1e-5,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if stem not in STEMS:
            raise ValueError(f"`stem` must be one of {STEMS}. Received: stem={stem!r}")
        if width < 32 or width % 32:
            raise ValueError(f"`width` must be a multiple of 32. Received: width={width}")
        self.stages = tuple(stages)
        self.width = width
        self.stem = stem
        self.group_norm_epsilon = group_norm_epsilon
        self.std_conv_epsilon = std_conv_epsilon
        shared = {
            "group_norm_epsilon": group_norm_epsilon,
            "std_conv_epsilon": std_conv_epsilon,
            "dtype": self.dtype_policy,
        }
        size, stride = (7, 2) if stem == "imagenet" else (3, 1)
        self.conv_root = std_conv(
            width, size, stride, std_conv_epsilon, self.dtype_policy, "conv_root"
        )
        self.gn_root = group_norm(group_norm_epsilon, self.dtype_policy, "gn_root")
        self.pool_root = keras.layers.MaxPooling2D(
            3, 2, padding="same", dtype=self.dtype_policy, name="pool_root"
        )
        self.blocks = [
            HybridStage(units, width << i, 2 if i else 1, name=f"block{i + 1}", **shared)
            for i, units in enumerate(self.stages)
        ]

    def build(self, input_shape: tuple) -> None:
        shape = built(self.conv_root, input_shape)
        self.gn_root.build(shape)
        if self.stem == "imagenet":
            shape = built(self.pool_root, shape)
        for block in self.blocks:
            shape = built(block, shape)

    def call(self, x):
        x = ops.relu(self.gn_root(self.conv_root(x)))
        if self.stem == "imagenet":
            x = self.pool_root(x)
        for block in self.blocks:
            x = block(x)
        return x

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        shape = self.conv_root.compute_output_shape(input_shape)
        if self.stem == "imagenet":
            shape = self.pool_root.compute_output_shape(shape)
        for block in self.blocks:
            shape = block.compute_output_shape(shape)
        return shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "stages": self.stages,
            "width": self.width,
            "stem": self.stem,
            "group_norm_epsilon": self.group_norm_epsilon,
            "std_conv_epsilon": self.std_conv_epsilon,
        }


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridStage(CompositeLayer):
    """A stage of `HybridBackbone`: a row of `HybridUnit`s, of which only the first has a stride.

    Args:
        units: int, number of units.
        filters: int, number of filters of the 3x3 convolution in each unit.
        stride: int, stride of the first unit. Default: 1.
        group_norm_epsilon: float, added to the variance in every GroupNorm. Default: 1e-6.
        std_conv_epsilon: float, added to the variance in every `StdConv2D`. Default: 1e-5.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / stride, W / stride, 4 * filters)`, rounded up.
    """

    def __init__(
        self,
        units: int,
        filters: int,
        stride: int = 1,
        group_norm_epsilon: float = 1e-6,
        std_conv_epsilon: float = 1e-5,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride
        self.group_norm_epsilon = group_norm_epsilon
        self.std_conv_epsilon = std_conv_epsilon
        self.units = [
            HybridUnit(
                filters,
                1 if i else stride,
                group_norm_epsilon,
                std_conv_epsilon,
                dtype=self.dtype_policy,
                name=f"unit{i + 1}",
            )
            for i in range(units)
        ]

    def build(self, input_shape: tuple) -> None:
        for unit in self.units:
            input_shape = built(unit, input_shape)

    def call(self, x):
        for unit in self.units:
            x = unit(x)
        return x

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        for unit in self.units:
            input_shape = unit.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "units": len(self.units),
            "filters": self.filters,
            "stride": self.stride,
            "group_norm_epsilon": self.group_norm_epsilon,
            "std_conv_epsilon": self.std_conv_epsilon,
        }


@keras.saving.register_keras_serializable(package="keras_vit")
class HybridUnit(CompositeLayer):
    """A bottleneck of `HybridBackbone`: 1x1, 3x3 and 1x1 convolutions beside a shortcut.

    A norm follows every convolution, and an activation follows the first two norms and the sum, as
    in the first ResNet. The gamma of the last norm starts at zero, so that an untrained unit passes
    on its shortcut alone.

    Args:
        filters: int, number of filters of the 3x3 convolution.
        stride: int, stride of the 3x3 convolution and of the shortcut. Default: 1.
        group_norm_epsilon: float, added to the variance in every GroupNorm. Default: 1e-6.
        std_conv_epsilon: float, added to the variance in every `StdConv2D`. Default: 1e-5.
        **kwargs: arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input shape: `(B, H, W, C)`.

    Output shape: `(B, H / stride, W / stride, 4 * filters)`, rounded up.
    """

    def __init__(
        self,
        filters: int,
        stride: int = 1,
        group_norm_epsilon: float = 1e-6,
        std_conv_epsilon: float = 1e-5,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.stride = stride
        self.group_norm_epsilon = group_norm_epsilon
        self.std_conv_epsilon = std_conv_epsilon
        policy = self.dtype_policy
        self.conv1 = std_conv(filters, 1, 1, std_conv_epsilon, policy, "conv1")
        self.conv2 = std_conv(filters, 3, stride, std_conv_epsilon, policy, "conv2")
        self.conv3 = std_conv(EXPANSION * filters, 1, 1, std_conv_epsilon, policy, "conv3")
        self.gn1 = group_norm(group_norm_epsilon, policy, "gn1")
        self.gn2 = group_norm(group_norm_epsilon, policy, "gn2")
        self.gn3 = group_norm(group_norm_epsilon, policy, "gn3", gamma_initializer="zeros")

    def build(self, input_shape: tuple) -> None:
        self.projects = self.stride != 1 or input_shape[-1] != EXPANSION * self.filters
        if self.projects:
            self.conv_proj = std_conv(
                EXPANSION * self.filters,
                1,
                self.stride,
                self.std_conv_epsilon,
                self.dtype_policy,
                "conv_proj",
            )
            self.gn_proj = group_norm(self.group_norm_epsilon, self.dtype_policy, "gn_proj")
            self.gn_proj.build(built(self.conv_proj, input_shape))
        shape = input_shape
        for conv, norm in self._branch():
            shape = built(conv, shape)
            norm.build(shape)

    def call(self, x):
        shortcut = self.gn_proj(self.conv_proj(x)) if self.projects else x
        for conv, norm in self._branch():
            x = norm(conv(x))
            if norm is not self.gn3:
                x = ops.relu(x)
        return ops.relu(shortcut + x)

    def _branch(self):
        """Return the convolutions beside the shortcut, each with its norm, in order."""
        return [(self.conv1, self.gn1), (self.conv2, self.gn2), (self.conv3, self.gn3)]

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, _ = self.conv2.compute_output_shape(input_shape)
        return (batch, height, width, EXPANSION * self.filters)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "filters": self.filters,
            "stride": self.stride,
            "group_norm_epsilon": self.group_norm_epsilon,
            "std_conv_epsilon": self.std_conv_epsilon,
        }


def std_conv(filters, size, stride, epsilon, policy, name):
    """Make a `StdConv2D` without bias and with padding "same"."""
    return StdConv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        use_bias=False,
        epsilon=epsilon,
        kernel_initializer="lecun_normal",
        dtype=policy,
        name=name,
    )


def group_norm(epsilon, policy, name, **arguments):
    """Make a GroupNorm of 32 groups."""
    return keras.layers.GroupNormalization(
        32, epsilon=epsilon, dtype=policy, name=name, **arguments
    )


def built(layer, input_shape):
    """Build one layer and return the shape of its output."""
    layer.build(input_shape)
    return layer.compute_output_shape(input_shape)
