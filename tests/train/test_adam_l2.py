import keras
import numpy as np
import pytest

from keras_vit.train.adam_l2 import AdamL2

pytestmark = pytest.mark.backends


def test_steps_are_those_of_pytorchs_adam_with_weight_decay():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 3)).astype("float32")
    gradients = rng.normal(size=(20, 4, 3)).astype("float32")

    theirs = torch.nn.Parameter(torch.tensor(start))
    peer = torch.optim.Adam([theirs], lr=0.01, betas=(0.95, 0.999), eps=1e-7, weight_decay=0.1)
    ours = keras.Variable(start)
    optimizer = AdamL2(0.01, l2=0.1, beta_1=0.95)
    optimizer.build([ours])
    for gradient in gradients:
        theirs.grad = torch.tensor(gradient)
        peer.step()
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [ours])
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(ours), theirs.detach().numpy(), rtol=0, atol=1e-5
    )


def test_config_round_trip():
    optimizer = AdamL2(1e-3, l2=0.1, beta_1=0.8)
    again = AdamL2.from_config(optimizer.get_config())
    assert (again.l2, again.beta_1) == (0.1, 0.8)


def test_a_negative_penalty_is_refused():
    with pytest.raises(ValueError, match="`l2` must be 0 or more. Received: l2=-1"):
        AdamL2(l2=-1)
