"""Parameter counts of the published systems, as their code has them."""

import pytest

from keras_vit import FlatViT, KunViT, PositionStudyViT, VisualAttentionViT, ViT
from tests.unallocated import unallocated


@pytest.mark.parametrize(
    ("model", "arguments", "count"),
    [
        (VisualAttentionViT, {"image_shape": (28, 28, 1)}, 6_339_082),
        (VisualAttentionViT, {}, 6_351_114),
        (VisualAttentionViT, {"num_classes": 100}, 6_374_244),
        (VisualAttentionViT, {"hidden_dim": 512}, 18_987_530),
        (PositionStudyViT, {}, 4_918_090),
        (PositionStudyViT, {"positions": "sincos1d"}, 4_905_610),
        (PositionStudyViT, {"positions": "sincos1d", "convolution": True}, 4_905_610),
        (KunViT, {}, 6_268_810),
        (KunViT, {"num_heads": 8}, 6_268_810),
        (ViT, {}, 6_268_810),
        (FlatViT, {}, 118_148_810),
        (FlatViT, {"kind": "concat", "num_heads": 16}, 492_622_490),
        (FlatViT, {"kind": "encoder_decoder", "depth": 12}, 265_841_866),
    ],
)
def test_as_published(model, arguments, count):
    with unallocated():
        assert model(**arguments).count_params() == count


def test_flat_counts_by_hand():
    """What of 784 makes 118,148,810, and the 492.6 M and 266 M that were published rounded."""

    def block(d, norms=2):
        attention = 3 * d * d + d * d + d
        return attention + 2 * d * 4 * d + 5 * d + norms * 2 * d

    def end(d):
        return 2 * d + 10 * d + 10

    assert 16 * block(784) + end(784) == 118_148_810
    narrow = 784 * 784 + 784, 1568 * 784 + 784
    assert narrow[0] + 16 * (block(1568) + narrow[1]) + end(1568) == 492_622_490
    assert 12 * (2 * block(784) + block(784, norms=3)) + end(784) == 265_841_866
