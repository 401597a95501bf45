import numpy as np
import pytest
from keras import ops

from keras_vit import ViT, adamw

pytestmark = pytest.mark.backends


def test_the_decay_really_spares_all_but_kernels():
    """With gradients of zero, a step of AdamW is the decay alone: w * (1 - rate * decay)."""
    model = ViT(
        (8, 8, 3),
        hidden_dim=16,
        depth=1,
        num_heads=2,
        mlp_dim=16,
        num_registers=1,
        layer_scale=0.1,
        qk_norm=True,
        patch_embedding="stem",
        relative_positions="bias",
    )
    for variable in model.trainable_variables:
        variable.assign(np.ones(variable.shape))
    optimizer = adamw(model, learning_rate=0.1, weight_decay=0.5)
    variables = model.trainable_variables
    optimizer.apply([ops.zeros(v.shape) for v in variables], variables)
    decayed = {v.path for v in variables if np.allclose(ops.convert_to_numpy(v.value), 0.95)}
    spared = {v.path for v in variables if np.all(ops.convert_to_numpy(v.value) == 1.0)}
    assert decayed | spared == {v.path for v in variables}
    assert decayed == {
        "patches/conv_0/kernel",
        "patches/conv_1/kernel",
        "block_0/attention/qkv/kernel",
        "block_0/attention/projection/kernel",
        "block_0/mlp/dense_1/kernel",
        "block_0/mlp/dense_2/kernel",
        "head/kernel",
    }
