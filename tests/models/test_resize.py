import numpy as np
import pytest
from keras import ops

from keras_vit import ViT
from keras_vit.models.resize import resize_grid

SMALL = {"image_shape": (16, 16, 3), "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 24}


@pytest.mark.backends
@pytest.mark.parametrize("relative_positions", [None, "rotary", "bias"])
def test_resized_keeps_the_weights_and_interpolates_the_positions(relative_positions):
    model = ViT(**SMALL, num_registers=1, relative_positions=relative_positions)
    other = model.resized((24, 8, 3))
    assert other.grid == (6, 2)
    old, new = ({v.path: ops.convert_to_numpy(v) for v in m.weights} for m in (model, other))
    assert old.keys() == new.keys()
    changed = {path for path in old if old[path].shape != new[path].shape}
    expected = {"patch_encoder/positions"}
    if relative_positions == "bias":
        expected |= {"block_0/attention/bias/table"}
    assert changed == expected
    for path in old.keys() - changed:
        np.testing.assert_array_equal(old[path], new[path])
    positions = new["patch_encoder/positions"]
    assert positions.shape == (1, 13, 16)
    np.testing.assert_array_equal(positions[:, 0], old["patch_encoder/positions"][:, 0])


@pytest.mark.backends
def test_resized_to_its_own_size_is_the_same_model():
    model = ViT(**SMALL)
    again = model.resized((16, 16, 3))
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_resizing_keeps_constants_and_straight_lines():
    constant = np.full((4, 5, 2), 3.0, "float32")
    np.testing.assert_allclose(resize_grid(constant, (7, 2)), 3.0, rtol=1e-6)
    rows = np.broadcast_to(np.arange(8, dtype="float32")[:, None, None], (8, 8, 1))
    doubled = resize_grid(np.ascontiguousarray(rows), (16, 8))[4:12, 0, 0]
    np.testing.assert_allclose(np.diff(doubled), 0.5, atol=1e-5)


def test_resizing_agrees_with_pytorchs_antialiased_bicubic():
    torch = pytest.importorskip("torch", reason="compares with PyTorch's interpolation")
    values = np.random.default_rng(0).normal(size=(14, 10, 3)).astype("float32")
    for grid in ((7, 20), (24, 24), (5, 3)):
        expected = torch.nn.functional.interpolate(
            torch.tensor(values).permute(2, 0, 1)[None],
            size=grid,
            mode="bicubic",
            antialias=True,
            align_corners=False,
        )
        expected = expected[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(resize_grid(values, grid), expected, atol=1e-4)


@pytest.mark.parametrize("shape", [(16, 16), 16])
def test_a_shape_that_is_none_is_refused(shape):
    with pytest.raises(ValueError, match="`image_shape` must be"):
        ViT(**SMALL).resized(shape)
    with pytest.raises(ValueError, match="`image_shape` must be"):
        ViT(shape)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match="number of channels must stay 3. Received: image_shape="):
        ViT(**SMALL).resized((16, 16, 1))
