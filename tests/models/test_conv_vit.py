import numpy as np
import pytest

from keras_vit import ConvViT, attention_maps, intermediates
from tests.helpers import numpy_of

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 12, 16, 3)).astype("uint8")
SMALL = {"image_shape": (12, 16, 3), "widths": (8, 16), "num_heads": 2, "mlp_dim": 24}


def test_the_parameters_are_those_that_its_parts_need():
    """Counted by hand: whitening, groups, blocks, last norm, head."""
    widths, dim, mlp, depth = (32, 128), 128, 256, 2
    front = 12 * 24 + 24
    for below, width in zip((24, *widths), widths, strict=False):
        front += 9 * width * (below + width) + 2 * 3 * width  # offset, mean and variance
    block = 4 * dim * dim + 4 * dim + 2 * dim * mlp + mlp + dim + 4 * dim
    assert ConvViT().count_params() == front + depth * block + 2 * dim + 10 * dim + 10


@pytest.mark.parametrize(
    ("image_shape", "widths", "grid"),
    [
        ((32, 32, 3), (32, 128), (7, 7)),
        ((32, 32, 3), (64, 256, 256), (3, 3)),
        ((28, 28, 1), (32, 64), (6, 6)),
        ((64, 128, 3), (8, 8, 8), (7, 15)),
    ],
)
def test_the_grid_is_that_of_the_feature_map(image_shape, widths, grid):
    model = ConvViT(image_shape, widths, depth=1, num_heads=2, mlp_dim=8)
    assert model.grid == grid
    assert model.get_layer("patch_encoder").output.shape[1] == grid[0] * grid[1]


def test_the_blocks_begin_as_the_identity():
    model = ConvViT(**SMALL)
    outputs = intermediates(model)(IMAGES)
    for i in range(2):
        np.testing.assert_array_equal(
            numpy_of(outputs[f"block_{i}"]), numpy_of(outputs["patch_encoder"])
        )


def test_adapt_whitens_the_images_that_the_model_is_given():
    model = ConvViT(**SMALL)
    model.adapt(IMAGES)
    whitening = model.get_layer("whitening")
    rescaled = IMAGES.astype("float32") / 127.5 - 1
    values = numpy_of(whitening(rescaled))[..., :12].reshape(-1, 12)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(values, rowvar=False), np.eye(12), atol=2e-2)


@pytest.mark.backends
def test_attention_maps_are_over_the_cells_of_the_feature_map():
    model = ConvViT(**SMALL, class_token=True, num_registers=1)
    maps = attention_maps(model, IMAGES[:2])
    tokens = 2 + 2 * 3
    assert maps.shape == (2, 2, 2, tokens, tokens)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)


@pytest.mark.parametrize("positions", ["learned", None])
def test_it_is_resized_with_the_same_weights(positions):
    model = ConvViT(**SMALL, positions=positions)
    other = model.resized((24, 20, 3))
    assert other.grid == (5, 4)
    kept = {v.path: numpy_of(v) for v in model.weights if "positions" not in v.path}
    for variable in other.weights:
        if variable.path in kept:
            np.testing.assert_array_equal(numpy_of(variable), kept[variable.path])
    assert numpy_of(other(np.zeros((1, 24, 20, 3)))).shape == (1, 10)


def test_the_variants():
    assert ConvViT.from_variant("small").count_params() == ConvViT().count_params()
    assert ConvViT.from_variant("base", num_classes=5).widths == (64, 256)
    with pytest.raises(ValueError, match="small, base. Received: variant='B/16'"):
        ConvViT.from_variant("B/16")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": ()}, r"widths=\(\)"),
        ({"widths": (8, 0)}, r"widths=\(8, 0\)"),
        ({"widths": (8, 8, 8, 8)}, r"too small for 4 groups.*image_shape=\(12, 16, 3\)"),
        ({"num_heads": 3}, "num_heads=3, hidden_dim=16"),
    ],
)
def test_what_can_not_be_built_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvViT(**{**SMALL, **arguments})
