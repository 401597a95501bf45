import sys

import numpy as np
import pytest
from keras import ops

from keras_vit import load_checkpoint
from keras_vit.models.resize import resize_grid
from keras_vit.weights.grids import position_grid
from tests.peers import peer_module
from tests.weights.google_files import vit_weights


@pytest.mark.parametrize(
    ("count", "prefixes", "grids", "expected"),
    [
        (197, (1, 1, 0), [None], (1, (14, 14))),
        (196, (1, 1, 0), [None], (0, (14, 14))),
        (1370, (5, 1, 0), [None], (1, (37, 37))),
        (1374, (5, 1, 0), [None], (5, (37, 37))),
        (33, (1, 1, 0), [None, (4, 8)], (1, (4, 8))),
        # What the user says comes before what would be square.
        (17, (1, 0), [(2, 8), (4, 4)], (1, (2, 8))),
        # Another size is asked for: the file's own grid is the square.
        (17, (1, 0), [None, (6, 6)], (1, (4, 4))),
    ],
)
def test_the_patches_among_the_positions(count, prefixes, grids, expected):
    assert position_grid(count, prefixes, grids) == expected


def test_positions_that_are_no_grid_ask_for_one():
    with pytest.raises(
        ValueError, match=r"20 positions are no square grid.*grid=\(rows, columns\)"
    ):
        position_grid(20, (1, 0), [None, (4, 4)])


@pytest.mark.parametrize(
    ("source", "target"), [((14, 14), (24, 24)), ((14, 14), (7, 7)), ((7, 12), (12, 5))]
)
def test_bicubic_positions_are_timms(source, target):
    resample = peer_module("timm.layers.pos_embed").resample_abs_pos_embed
    import torch

    positions = np.random.default_rng(0).normal(size=(1, 1 + source[0] * source[1], 16))
    positions = positions.astype("float32")
    expected = resample(torch.from_numpy(positions), list(target), list(source)).numpy()
    patches = resize_grid(positions[0, 1:].reshape(*source, 16), target)
    np.testing.assert_allclose(patches.reshape(-1, 16), expected[0, 1:], atol=1e-4)


@pytest.mark.parametrize("side", [2, 6, 7])
def test_linear_positions_are_googles(side, tmp_path):
    """As vit_jax/checkpoint.py's interpolate_posembed has them, on a whole model."""
    from scipy.ndimage import zoom

    weights = vit_weights()
    np.savez(tmp_path / "vit.npz", **weights)
    model = load_checkpoint(
        tmp_path / "vit.npz", image_shape=(8 * side, 8 * side, 3), interpolation="scipy-linear"
    )
    posemb = weights["Transformer/posembed_input/pos_embedding"]
    posemb_tok, posemb_grid = posemb[:, :1], posemb[0, 1:].reshape(4, 4, -1)
    posemb_grid = zoom(posemb_grid, (side / 4, side / 4, 1), order=1).reshape(1, side * side, -1)
    expected = np.concatenate([posemb_tok, posemb_grid], axis=1)
    found = ops.convert_to_numpy(model.get_layer("patch_encoder").positions)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_linear_positions_without_scipy_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
    with pytest.raises(ImportError) as caught:
        resize_grid(np.zeros((2, 2, 1), "float32"), (3, 3), "scipy-linear")
    message = str(caught.value)
    assert "needs scipy, which is not installed" in message
    assert message.endswith("its extra recipes")
    assert "\n" not in message


@pytest.mark.parametrize("interpolation", ["bicubic", "scipy-linear"])
def test_nothing_changes_where_nothing_has_to(interpolation):
    values = np.random.default_rng(0).normal(size=(5, 3, 4)).astype("float32")
    np.testing.assert_array_equal(resize_grid(values, (5, 3), interpolation), values)
