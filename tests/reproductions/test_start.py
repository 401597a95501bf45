"""How the published systems' tokens start."""

import keras
import numpy as np
import pytest

from keras_vit import KunViT, VisualAttentionViT

SMALL = {"hidden_dim": 64, "depth": 1, "num_heads": 2, "mlp_dim": 8}


@pytest.mark.parametrize("model", [KunViT, VisualAttentionViT])
def test_token_and_positions_are_drawn_apart_from_each_other_by_the_seed(model):
    def start(seed):
        keras.utils.set_random_seed(seed)
        encoder = model(**SMALL).get_layer("patch_encoder")
        values = (encoder.class_token, encoder.positions)
        return [keras.ops.convert_to_numpy(v)[0] for v in values]

    token, positions = start(1)
    assert abs(positions.std() - 1) < 0.05
    assert abs(np.corrcoef(token[0], positions[0])[0, 1]) < 0.6  # 64 values: five deviations
    np.testing.assert_array_equal(start(1)[1], positions)
    assert np.any(start(2)[1] != positions)
