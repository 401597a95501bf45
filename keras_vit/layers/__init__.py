"""The layers that the models are made of, one layer in each file.

Shapes in the docstrings use these letters: B images in a batch, H×W pixels, C channels, N patches,
T tokens (the patches and the prefix tokens in front of them), D channels of a token. Arguments that
are tensors have no type hint, because the type of a tensor depends on Keras's backend.
"""

from keras_vit.layers.attention import MultiHeadSelfAttention
from keras_vit.layers.batch_norm import BatchNormalization
from keras_vit.layers.conv_group import ConvGroup
from keras_vit.layers.conv_stem import ConvStem
from keras_vit.layers.identity_start import IdentityStart
from keras_vit.layers.layer_norm import LayerNormalization
from keras_vit.layers.layer_scale import LayerScale
from keras_vit.layers.masked_decoder import MaskedDecoder
from keras_vit.layers.mlp import MLP
from keras_vit.layers.patch_encoder import PatchEncoder
from keras_vit.layers.patches import Patches
from keras_vit.layers.random_masking import RandomMasking
from keras_vit.layers.relative_position_bias import RelativePositionBias
from keras_vit.layers.std_conv import StdConv2D
from keras_vit.layers.stochastic_depth import StochasticDepth
from keras_vit.layers.token_pooling import TokenPooling
from keras_vit.layers.transformer_block import TransformerBlock
from keras_vit.layers.whitening import WhiteningConv2D

__all__ = [
    "MLP",
    "BatchNormalization",
    "ConvGroup",
    "ConvStem",
    "IdentityStart",
    "LayerNormalization",
    "LayerScale",
    "MaskedDecoder",
    "MultiHeadSelfAttention",
    "PatchEncoder",
    "Patches",
    "RandomMasking",
    "RelativePositionBias",
    "StdConv2D",
    "StochasticDepth",
    "TokenPooling",
    "TransformerBlock",
    "WhiteningConv2D",
]
