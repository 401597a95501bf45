import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import HybridStudyViT, attention_maps, intermediates
from keras_vit.models.resnet import ResNet
from keras_vit.reproductions import HybridStudyResNet
from keras_vit.reproductions.hybrid_study import HybridStudyBlock
from keras_vit.reproductions.hybrid_study_resnet import (
    HybridStudyResidualBlock,
    ResNet34Stage,
)
from tests.unallocated import unallocated

SMALL = {"hidden_dim": 16, "depth": 2, "num_heads": 4, "mlp_dim": 24}
HYBRID = {"image_shape": (32, 48, 3), "patch_size": 4, "backbone": "resnet34-stage1"}


def trainable_parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


# ResNet-34 up to its first stage: a 7x7 convolution, three blocks of two 3x3 ones, batch norms.
STAGE = 7 * 7 * 3 * 64 + 3 * 2 * 3 * 3 * 64 * 64 + 7 * 2 * 64


@pytest.mark.parametrize(
    ("arguments", "published"),
    [
        ({"patch_size": 8}, 16_068_362),
        ({}, 15_994_634),
        ({"depth": 8}, 10_733_322),
        (
            {"image_shape": (224, 224, 3), "patch_size": 7, "backbone": "resnet34-stage1"},
            17_575_690,
        ),
    ],
)
def test_the_published_counts_have_unused_positions_and_no_backbone(arguments, published):
    """The study's table has `max_len=100` positions; its frozen backbone was not counted."""
    with unallocated():
        model = HybridStudyViT(**arguments)
    tokens = 1 + model.grid[0] * model.grid[1]
    expected = published - (100 - tokens) * 512 + (STAGE if "backbone" in arguments else 0)
    assert trainable_parameters(model) == expected


def test_the_studys_resnet_is_resnet34_with_a_bias_for_each_convolutions_channel():
    with unallocated():
        model = HybridStudyResNet()
    blocks = {64: 3, 128: 4, 256: 6, 512: 3}
    biases = 64 + sum(2 * count * width for width, count in blocks.items()) + 128 + 256 + 512
    resnet34_without_head = 21_797_672 - 513 * 1000
    assert trainable_parameters(model) == resnet34_without_head + biases + 513 * 10


@pytest.mark.backends
def test_its_logits_are_those_of_the_studys_code_with_the_same_weights():
    """The forward pass of its notebook, written out with PyTorch's functions."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch")
    functional = torch.nn.functional
    model = HybridStudyViT((8, 12, 3), **SMALL)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3)).astype("float32")

    def weights(layer):
        return [torch.tensor(values) for values in layer.get_weights()]

    def dense(x, layer):
        kernel, bias = weights(layer)
        return x @ kernel + bias

    def norm(x, layer):
        return functional.layer_norm(x, (16,), *weights(layer))

    def heads(x):
        return x.reshape(2, 7, 4, 4).permute(0, 2, 1, 3)

    x = torch.tensor(images).permute(0, 3, 1, 2) / 255
    x = (x - 0.5) / 0.5
    x = x.unfold(2, 4, 4).unfold(3, 4, 4).reshape(2, 3, 6, 4, 4).permute(0, 2, 3, 4, 1)
    encoder = model.get_layer("patch_encoder")
    x = dense(x.reshape(2, 6, 48), encoder.projection)
    token, positions = (
        torch.tensor(ops.convert_to_numpy(w)) for w in (encoder.class_token, encoder.positions)
    )
    x = torch.cat([token.expand(2, -1, -1), x], dim=1) + positions
    for i in range(2):
        block = model.get_layer(f"block_{i}")
        query, key, value = dense(norm(x, block.norm_1), block.attention.qkv).split(16, dim=-1)
        scores = torch.softmax(heads(query) @ heads(key).transpose(-1, -2), dim=-1)
        x = x + (scores @ heads(value)).permute(0, 2, 1, 3).reshape(2, 7, 16)
        y = functional.gelu(dense(norm(x, block.norm_2), block.mlp.dense_1))
        x = x + dense(y, block.mlp.dense_2)
    x = functional.gelu(dense(x[:, 0], model.get_layer("pre_logits")))
    expected = dense(x, model.get_layer("head")).numpy()
    np.testing.assert_allclose(ops.convert_to_numpy(model(images)), expected, atol=1e-5)
    maps = attention_maps(model, images)
    np.testing.assert_allclose(maps[-1], scores.numpy(), atol=1e-5)


@pytest.mark.backends
def test_weights_start_as_in_the_study():
    encoder = HybridStudyViT(num_classes=4, depth=1).get_layer("patch_encoder")
    assert not ops.convert_to_numpy(encoder.class_token).any()
    assert abs(ops.convert_to_numpy(encoder.positions).std() - 1) < 0.02
    kernel = ops.convert_to_numpy(encoder.projection.kernel)
    np.testing.assert_allclose(np.abs(kernel).max(), 48**-0.5, rtol=0.01)


def test_dropout_falls_where_the_study_has_it():
    """On the attention weights and between the MLP's layers, not after either branch."""
    block = HybridStudyBlock(4, 24, dropout=0.3, attention_dropout=0.2)
    again = HybridStudyBlock.from_config(block.get_config())
    assert (again.attention.drop.rate, again.mlp.drop_1.rate) == (0.2, 0.3)
    assert (again.attention_drop.rate, again.mlp.drop_2.rate) == (0, 0)
    assert again.get_config() == block.get_config()


@pytest.mark.backends
def test_the_backbone_can_be_frozen_looked_into_and_resized():
    model = HybridStudyViT(**SMALL, **HYBRID)
    assert model.grid == (2, 3)
    model.get_layer("backbone").trainable = False
    other = model.resized((32, 32, 3))
    assert other.grid == (2, 2)
    for frozen in (model, other, HybridStudyViT.from_config(model.get_config())):
        assert not frozen.get_layer("backbone").trainable_weights
        assert frozen.get_layer("block_0").trainable_weights
    images = np.zeros((1, 32, 48, 3), "float32")
    assert intermediates(model)(images)["backbone"].shape == (1, 8, 12, 64)
    assert attention_maps(model, images).shape == (2, 1, 4, 7, 7)


@pytest.mark.backends
def test_the_backbone_is_the_beginning_of_resnet34():
    images = np.random.default_rng(0).normal(size=(2, 17, 24, 3)).astype("float32")
    whole = ResNet(34, (17, 24, 3), stem="imagenet", rescaling=(1.0, 0.0))
    beginning = keras.Model(whole.input, whole.get_layer("stage_1_block_2").output)
    stage = ResNet34Stage()
    stage.build(images.shape)
    stage.set_weights(beginning.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(stage(images)),
        ops.convert_to_numpy(beginning(images)),
        atol=1e-5,
    )


@pytest.mark.backends
def test_the_residual_branch_is_never_negative():
    block = HybridStudyResidualBlock(8)
    x = np.random.default_rng(0).uniform(1, 2, (2, 5, 6, 8)).astype("float32")
    y = ops.convert_to_numpy(block(x))
    assert (y >= x).all()
    assert (y > x).any()
    assert all(convolution.use_bias for convolution in block.convolutions)


def test_an_unknown_backbone_is_refused_by_name():
    with pytest.raises(ValueError, match="'resnet50'"):
        HybridStudyViT(backbone="resnet50")
