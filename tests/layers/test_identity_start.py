import keras
import numpy as np
import pytest

from keras_vit import ConvGroup
from keras_vit.layers import IdentityStart
from tests.helpers import numpy_of


@pytest.mark.parametrize("side", [1, 3, 5])
def test_a_convolution_begins_by_passing_its_input_on(side):
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
    layer = keras.layers.Conv2D(
        7, side, padding="same", use_bias=False, kernel_initializer=IdentityStart(seed=1)
    )
    y = numpy_of(layer(x))
    np.testing.assert_allclose(y[..., :4], x, atol=1e-6)
    others = numpy_of(layer.kernel)[..., 4:]
    bound = (side * side * 4) ** -0.5  # PyTorch's: kaiming_uniform_ with a = √5
    assert 0.8 * bound < np.abs(others).max() <= bound
    fewer = keras.layers.Conv2D(3, side, padding="same", kernel_initializer=IdentityStart())
    np.testing.assert_allclose(numpy_of(fewer(x)), x[..., :3], atol=1e-6)


def test_a_kernel_of_no_convolution_is_refused():
    with pytest.raises(ValueError, match=r"Received: shape=\(3, 4\)"):
        IdentityStart()((3, 4))


def test_the_config_holds_the_seed_and_the_other_filters_initializer():
    start = IdentityStart(keras.initializers.Zeros(), seed=3)
    again = IdentityStart.from_config(start.get_config())
    assert again.get_config() == start.get_config()
    assert not numpy_of(again((3, 3, 2, 5)))[..., 2:].any()


@pytest.mark.backends
def test_a_group_is_pytorchs_own_layers_in_a_row():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 9, 8, 3)).astype("float32")
    group = ConvGroup(5, momentum=0.6)
    group.build(x.shape)
    for convolution in group.convolutions:
        convolution.kernel.assign(rng.normal(0, 0.3, convolution.kernel.shape))
    for norm in group.norms:
        norm.beta.assign(rng.normal(size=5))
    ours = numpy_of(group(x, training=True))

    y = torch.tensor(x).permute(0, 3, 1, 2)
    statistics = []
    for i, (convolution, norm) in enumerate(zip(group.convolutions, group.norms, strict=True)):
        kernel = torch.tensor(numpy_of(convolution.kernel)).permute(3, 2, 0, 1)
        y = torch.nn.functional.conv2d(y, kernel, padding=1)
        if i == 0:
            y = torch.nn.functional.max_pool2d(y, 2)
        statistics.append((y.mean((0, 2, 3)), y.var((0, 2, 3), unbiased=False)))
        y = torch.nn.functional.batch_norm(
            y, None, None, None, torch.tensor(numpy_of(norm.beta)), training=True, eps=1e-5
        )
        y = torch.nn.functional.gelu(y)
    np.testing.assert_allclose(ours, y.permute(0, 2, 3, 1).numpy(), atol=1e-4)
    for norm, (mean, variance) in zip(group.norms, statistics, strict=True):
        np.testing.assert_allclose(numpy_of(norm.moving_mean), 0.4 * mean, atol=1e-5)
        np.testing.assert_allclose(numpy_of(norm.moving_variance), 0.6 + 0.4 * variance, rtol=1e-4)
