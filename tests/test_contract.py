import keras
import numpy as np
import pytest

from keras_vit import (
    MLP,
    ConvGroup,
    ConvStem,
    ConvViT,
    FlatViT,
    HybridStudyResNet,
    HybridStudyViT,
    HybridViT,
    KunViT,
    LayerScale,
    MaskedAutoencoder,
    MultiHeadSelfAttention,
    PatchEncoder,
    Patches,
    PositionStudyViT,
    RandomMasking,
    RelativePositionBias,
    ResNet,
    StdConv2D,
    StochasticDepth,
    TokenPooling,
    TransformerBlock,
    VisualAttentionViT,
    ViT,
    WhiteningConv2D,
)
from keras_vit.models.hybrid_backbone import HybridBackbone
from keras_vit.models.residual_block import BottleneckBlock
from keras_vit.reproductions import BareAttention, HybridStudyBlock, ResNet34Stage
from tests.contract import keeps_contract, learns_in_fit

pytestmark = [pytest.mark.backends, pytest.mark.medium]

TOKENS = (4, 7, 16)  # a 2x3 grid and a class token
PATCHES = (4, 6, 12)
IMAGES = (4, 8, 12, 3)
MAPS = (4, 8, 12, 5)
GRID = {"grid": (2, 3), "num_prefix_tokens": 1}
EVERYTHING = {
    "dropout": 0.1,
    "attention_dropout": 0.1,
    "drop_path": 0.1,
    "layer_scale": 0.5,
    "qk_norm": True,
    "activation": "silu",
}
SMALL = {"image_shape": (8, 12, 3), "hidden_dim": 16, "depth": 2, "num_heads": 2, "mlp_dim": 24}

LAYERS = {
    "patches": (lambda: Patches((4, 2)), IMAGES),
    "encoder": (lambda: PatchEncoder(16), PATCHES),
    "encoder-registers": (lambda: PatchEncoder(16, num_registers=2, dropout=0.1), PATCHES),
    "encoder-sincos1d": (lambda: PatchEncoder(16, positions="sincos1d"), PATCHES),
    "encoder-sincos2d": (
        lambda: PatchEncoder(16, class_token=False, positions="sincos2d", grid=(2, 3)),
        PATCHES,
    ),
    "encoder-bare": (lambda: PatchEncoder(positions=None), PATCHES),
    "attention": (lambda: MultiHeadSelfAttention(4), TOKENS),
    "attention-qk-norm": (lambda: MultiHeadSelfAttention(4, 0.1, qk_norm=True), TOKENS),
    "attention-rotary": (
        lambda: MultiHeadSelfAttention(2, relative_positions="rotary", **GRID),
        TOKENS,
    ),
    "attention-bias": (
        lambda: MultiHeadSelfAttention(4, relative_positions="bias", **GRID),
        TOKENS,
    ),
    "mlp": (lambda: MLP(32, dropout=0.1), TOKENS),
    "block": (lambda: TransformerBlock(4, 32), TOKENS),
    "block-everything": (lambda: TransformerBlock(4, 32, **EVERYTHING), TOKENS),
    "block-bias": (lambda: TransformerBlock(4, 32, relative_positions="bias", **GRID), TOKENS),
    "stochastic-depth": (lambda: StochasticDepth(0.5), TOKENS),
    "layer-scale": (lambda: LayerScale(0.1), TOKENS),
    "relative-bias": (lambda: RelativePositionBias(4, (2, 3), 1), TOKENS),
    "stem": (lambda: ConvStem(16, 4), IMAGES),
    "whitening": (lambda: WhiteningConv2D(), IMAGES),
    "conv-group": (lambda: ConvGroup(8), MAPS),
    "conv-group-flat": (lambda: ConvGroup(3, 1, pool=False, activation="relu"), MAPS),
    "std-conv": (lambda: StdConv2D(8, 3, strides=2, padding="same"), MAPS),
    "hybrid-backbone": (lambda: HybridBackbone((1, 1), width=32), MAPS),
    "bottleneck": (lambda: BottleneckBlock(4, stride=2), MAPS),
    "resnet34-stage": (lambda: ResNet34Stage(), MAPS),
    "bare-attention": (lambda: BareAttention(4, dropout=0.1), TOKENS),
    "hybrid-study-block": (lambda: HybridStudyBlock(4, 32, dropout=0.1), TOKENS),
    "random-masking": (lambda: RandomMasking(0.5), TOKENS),
    "pool-token": (lambda: TokenPooling("token"), TOKENS),
    "pool-mean": (lambda: TokenPooling("mean", 1), TOKENS),
}
WITHOUT_WEIGHTS = {"patches", "stochastic-depth", "random-masking", "pool-token", "pool-mean"}
# Its output has no batch axis; how it learns is seen in "attention-bias".
NOT_TRAINED_ALONE = {"relative-bias"}

MODELS = {
    "kunvit": {},
    "mean-rotary-stem": {
        "pool": "mean",
        "relative_positions": "rotary",
        "patch_embedding": "stem",
    },
    "mean-bias-conv": {"pool": "mean", "relative_positions": "bias", "patch_embedding": "conv"},
    "sincos2d-registers": {"positions": "sincos2d", "num_registers": 2, "pre_logits": 8},
    "sincos1d": {"positions": "sincos1d", "class_names": tuple("abcdefghij")},
    "mean-class-token": {"pool": "mean", "class_token": True, "positions": None},
    "everything": EVERYTHING,
    "features": {"num_classes": 0, "patch_size": (4, 2), "rescaling": ((0.01, 0.02, 0.03), -1.0)},
}

RELATIVES = {
    "conv-vit": lambda: ConvViT((8, 12, 3), (28,), num_heads=7, mlp_dim=12),
    "hybrid": lambda: HybridViT(**SMALL, stages=(1, 1)),
    # Of fewer than 8 channels a strided 1x1 convolution of oneDNN's never ends on AVX2.
    "resnet": lambda: ResNet(18, (32, 32, 3), width=8),
    "hybrid-study": lambda: HybridStudyViT(**SMALL),
    "hybrid-study-resnet": lambda: HybridStudyResNet((32, 32, 3), units=(1, 1), width=8),
    "kun": lambda: KunViT(**SMALL),
    "position-study": lambda: PositionStudyViT(**SMALL),
    "visual-attention": lambda: VisualAttentionViT(**SMALL),
    "flat": lambda: FlatViT((8, 12, 3), depth=1, num_heads=4),
}


def random_input(shape):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    return 127 + 40 * x if shape[3:] == (3,) else x


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name):
    make, shape = LAYERS[name]
    keeps_contract(make(), random_input(shape), name not in WITHOUT_WEIGHTS | NOT_TRAINED_ALONE)


@pytest.mark.parametrize("name", MODELS)
def test_model(name):
    keeps_contract(ViT(**SMALL, **MODELS[name]), random_input(IMAGES))


def test_the_loss_falls_in_fit():
    """The contract takes one gradient of each model; `fit` takes the steps of one alone."""
    learns_in_fit(ViT(**SMALL), random_input(IMAGES))


def test_masked_autoencoder():
    vit = ViT(**SMALL, num_classes=0)
    small = {"decoder_dim": 16, "decoder_depth": 1, "decoder_heads": 2, "mask_ratio": 0.5}
    keeps_contract(MaskedAutoencoder(vit, **small), random_input(IMAGES))


@pytest.mark.parametrize("name", RELATIVES)
def test_relative(name):
    model = RELATIVES[name]()
    keeps_contract(model, random_input((4, *model.image_shape)))


def test_every_layer_and_model_is_under_contract():
    """By itself or as a part of another."""
    tested = [
        MaskedAutoencoder(ViT(**SMALL, num_classes=0)),
        *(make() for make in RELATIVES.values()),
    ]
    tested += [make() for make, _ in LAYERS.values()]
    parts = {type(part) for layer in tested for part in layer._flatten_layers()}
    registered = {
        item
        for item in keras.saving.get_custom_objects().values()
        if isinstance(item, type)
        and issubclass(item, keras.Layer)
        # Augmentation has a contract of its own, in tests/augment; so has the training model.
        and item.__module__.startswith(("keras_vit.layers", "keras_vit.models"))
    }
    assert {ViT, TransformerBlock} <= registered
    assert registered - parts == set()
