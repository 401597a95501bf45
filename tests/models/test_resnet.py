import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import ResNet, intermediates
from keras_vit.models.residual_block import BasicBlock, BottleneckBlock
from tests.peers import peer_module
from tests.unallocated import unallocated

SMALL = {"depth": 18, "image_shape": (8, 12, 3)}


@pytest.mark.parametrize(
    ("depth", "count"),
    # as torchvision's documentation of its weights has them
    [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032)],
)
def test_the_published_numbers_of_parameters(depth, count):
    with unallocated():
        model = ResNet(depth, (224, 224, 3), 1000, stem="imagenet")
    assert sum(math.prod(weight.shape) for weight in model.trainable_weights) == count


@pytest.mark.medium
@pytest.mark.parametrize("depth", [34, 50])
def test_it_is_timms_resnet_with_the_same_weights(depth):
    timm = peer_module("timm")
    import torch

    theirs = timm.create_model(f"resnet{depth}")
    shape = (65, 96, 3)  # an odd side and an even one: both paddings
    images = np.random.default_rng(0).normal(size=(4, *shape)).astype("float32")
    as_torch = torch.tensor(images.transpose(0, 3, 1, 2))
    with_statistics_of(as_torch, theirs)
    ours = ResNet(depth, shape, 1000, stem="imagenet", rescaling=(1.0, 0.0))
    copy_resnet(theirs, ours)
    with torch.no_grad():
        expected = theirs(as_torch).numpy()
    assert np.abs(expected[0] - expected[1]).max() > 0.2
    np.testing.assert_allclose(ops.convert_to_numpy(ours(images)), expected, atol=1e-4)


def with_statistics_of(images, model):
    """Gives the norms of a PyTorch model factors that matter and the images' statistics."""
    import torch

    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.copy_(0.5 + torch.rand(module.weight.shape, generator=generator))
                module.bias.copy_(torch.rand(module.bias.shape, generator=generator) - 0.5)
                module.momentum = None  # statistics are those of all batches seen
        model.train()(images)
        model.eval()


def copy_resnet(theirs, ours):
    pairs = [(theirs.conv1, ours.get_layer("stem_conv")), (theirs.bn1, ours.get_layer("stem_norm"))]
    for stage in range(1, 5):
        for i, their_block in enumerate(getattr(theirs, f"layer{stage}")):
            block = ours.get_layer(f"stage_{stage}_block_{i}")
            for j, (conv, norm) in enumerate(
                zip(block.convolutions, block.norms, strict=True), start=1
            ):
                pairs += [(getattr(their_block, f"conv{j}"), conv)]
                pairs += [(getattr(their_block, f"bn{j}"), norm)]
            assert block.projects == (their_block.downsample is not None)
            if block.projects:
                pairs += [(their_block.downsample[0], block.shortcut)]
                pairs += [(their_block.downsample[1], block.shortcut_norm)]
    pairs += [(theirs.fc, ours.get_layer("head"))]
    axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}
    for source, target in pairs:
        values = [v.numpy() for name, v in source.state_dict().items() if "num_batches" not in name]
        target.set_weights([v.transpose(axes[v.ndim]) for v in values])


@pytest.mark.backends
@pytest.mark.parametrize("block", [BasicBlock, BottleneckBlock])
@pytest.mark.parametrize(("stride", "channels"), [(1, 8), (2, 8), (1, 32)])
def test_a_block_is_pytorchs_convolutions_and_norms(block, stride, channels):
    torch = pytest.importorskip("torch", reason="compares with PyTorch's convolution")
    functional = torch.nn.functional
    x = np.random.default_rng(0).normal(size=(2, 5, 6, channels)).astype("float32")
    layer = block(8, stride)
    layer.build(x.shape)
    rng = np.random.default_rng(1)
    for norm in [*layer.norms, *([layer.shortcut_norm] if layer.projects else [])]:
        norm.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in norm.get_weights()])

    def convolved(images, conv, norm):
        kernel = torch.tensor(ops.convert_to_numpy(conv.kernel).transpose(3, 2, 0, 1))
        y = functional.conv2d(images, kernel, stride=conv.strides, padding=conv.kernel_size[0] // 2)
        gamma, beta, mean, variance = map(torch.tensor, norm.get_weights())
        return functional.batch_norm(y, mean, variance, gamma, beta, eps=1e-5)

    images = torch.tensor(x.transpose(0, 3, 1, 2))
    y = images
    for conv, norm in zip(layer.convolutions, layer.norms, strict=True):
        y = convolved(y, conv, norm)
        y = y if norm is layer.norms[-1] else functional.relu(y)
    if layer.projects:
        images = convolved(images, layer.shortcut, layer.shortcut_norm)
    expected = functional.relu(images + y).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x)), expected, atol=1e-4)
    assert layer.projects == (stride == 2 or channels != 8 * block.expansion)


@pytest.mark.backends
def test_statistics_move_as_pytorchs_do():
    """A tenth of each new batch, as in PyTorch, whose momentum of 0.1 is Keras's 0.9."""
    model = ResNet(**SMALL)
    norm = model.get_layer("stem_norm")
    images = np.full((2, 8, 12, 3), 255.0, "float32")
    stem = keras.Model(model.input, model.get_layer("stem_conv").output)
    mean = ops.convert_to_numpy(stem(images)).mean(axis=(0, 1, 2))
    model(images, training=True)
    np.testing.assert_allclose(
        ops.convert_to_numpy(norm.moving_mean), 0.1 * mean, atol=1e-5, rtol=1e-4
    )


def test_the_small_stem_keeps_the_image_and_the_other_quarters_it():
    small, large = (ResNet(18, (64, 32, 3), stem=stem) for stem in ("small", "imagenet"))
    assert small.get_layer("stage_1_block_0").output.shape == (None, 64, 32, 64)
    assert large.get_layer("stage_1_block_0").output.shape == (None, 16, 8, 64)
    assert set(intermediates(small).output) == {"pooled", "logits"}


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("`depth` must be one of .* Received: depth=101", {"depth": 101}),
        ("`stem` must be one of .* Received: stem='deep'", {"stem": "deep"}),
        (r"\(height, width, channels\)", {"image_shape": (32, 32)}),
        ("Received: 2 class names, num_classes=10", {"class_names": ("a", "b")}),
    ],
)
def test_arguments_that_do_not_fit_are_refused_by_name(message, arguments):
    with pytest.raises(ValueError, match=message):
        ResNet(**{**SMALL, **arguments})
