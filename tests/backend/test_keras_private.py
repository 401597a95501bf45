"""Each private name of Keras that the package uses still is what it was.

Checked with Keras 3.15. Where a test here fails on a newer Keras, look at what replaced the name,
change `keras_vit/backend/keras_private.py`, and state the new version in TESTED_WITH.
"""

import keras
import numpy as np
import pytest

from keras_vit.backend import keras_private

pytestmark = pytest.mark.backends

TESTED_WITH = ("3.15",)


def small_model():
    inputs = keras.Input((4,), name="inputs")
    x = keras.layers.Dense(3, name="first")(inputs)
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="inside")])
    return keras.Model(inputs, keras.layers.Softmax(name="last")(inner(x)))


def test_this_version_of_keras_was_checked():
    assert keras.__version__.startswith(TESTED_WITH), (
        f"Keras {keras.__version__} is not among {TESTED_WITH}: run this file's other tests with "
        "it, then add it here"
    )


def test_layers_are_listed_at_any_depth():
    model = small_model()
    names = [layer.name for layer in keras_private.flatten_layers(model)]
    assert names[0] == model.name
    assert {"first", "inside", "last"} <= set(names)
    assert model not in keras_private.flatten_layers(model, include_self=False)


def test_a_tensor_is_made_by_its_layer_out_of_that_layers_inputs():
    model = small_model()
    last, (inside,) = keras_private.made_by(model.outputs[0])
    assert last.name == "last"
    inner, (first,) = keras_private.made_by(inside)
    assert isinstance(inner, keras.Sequential)
    assert keras_private.made_by(first)[0].name == "first"


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's alone")
def test_a_model_outside_a_strategy_has_none():
    assert keras_private.distribute_strategy_of(small_model()) is None


def test_the_base_kernel_is_the_one_without_low_rank_factors():
    layer = keras.layers.Dense(3)
    layer.build((None, 4))
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    layer.enable_lora(2)
    layer.lora_kernel_a.assign(np.ones((4, 2)))
    layer.lora_kernel_b.assign(np.ones((2, 3)))
    base = keras.ops.convert_to_numpy(keras_private.base_kernel(layer))
    np.testing.assert_array_equal(base, kernel)
    assert np.abs(keras.ops.convert_to_numpy(layer.kernel) - kernel).min() > 0.5


def test_a_layout_can_be_removed():
    variable = keras.Variable(np.zeros(3))
    keras_private.remove_layout(variable)
    assert getattr(variable, "_layout", None) is None
    variable.assign(np.ones(3))


class Counting(keras_private.OptimizerHooks, keras.optimizers.SGD):
    """Notes which of the public steps Keras's `apply` passes through."""

    def update_all(self, gradients, variables, learning_rate):
        self.seen = [*getattr(self, "seen", []), "update_all"]
        super().update_all(gradients, variables, learning_rate)

    def decay_weights(self, variables):
        self.seen = [*getattr(self, "seen", []), "decay_weights"]
        super().decay_weights(variables)


def test_an_optimizers_steps_pass_through_the_hooks():
    variable = keras.Variable(np.full(3, 2.0, "float32"))
    other = keras.Variable(np.full(3, 2.0, "float32"))
    optimizer = Counting(0.1, weight_decay=0.5)
    optimizer.build([variable, other])
    gradients = [keras.ops.ones(3), keras.ops.zeros(3)]
    optimizer.apply(gradients, [variable, other])
    assert set(optimizer.seen) == {"update_all", "decay_weights"}
    assert [optimizer.index_of(v) for v in (variable, other)] == [0, 1]
    assert optimizer.has_weight_decay(variable)
    # The decay takes 0.1 * 0.5 of 2, the gradient 0.1.
    np.testing.assert_allclose(keras.ops.convert_to_numpy(other), 1.9, rtol=1e-6)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), 1.8, rtol=1e-6)


class CountingMuon(keras_private.MuonHooks, keras.optimizers.Muon):
    """Notes which variables Muon's own step takes."""

    def uses_adamw(self, variable):
        return variable.name == "b" or super().uses_adamw(variable)

    def update_matrix(self, gradient, variable, learning_rate, momentum):
        self.matrices = getattr(self, "matrices", 0) + 1
        super().update_matrix(gradient, variable, learning_rate, momentum)


def test_muons_own_step_passes_through_its_hook():
    a, b = (keras.Variable(np.eye(4, dtype="float32"), name=name) for name in "ab")
    optimizer = CountingMuon(0.1)
    optimizer.build([a, b])
    optimizer.apply([keras.ops.ones((4, 4))] * 2, [a, b])
    assert optimizer.matrices == 1


def test_the_base_of_image_layers_computes_with_its_own_backend():
    class Layer(keras_private.TfDataLayer):
        def __init__(self):
            super().__init__()
            self.seed, self.generator = 0, keras.random.SeedGenerator(0)

        def call(self, images):
            self.drawn_with = self.backend_seed()
            return self.backend.numpy.add(images, 1)

    layer = Layer()
    assert np.all(keras.ops.convert_to_numpy(layer(np.zeros((1, 2, 2, 1), "float32"))) == 1)
    assert isinstance(layer.drawn_with, keras.random.SeedGenerator)


def test_tracing_of_jax_is_told_from_running():
    traced = keras_private.is_in_jax_tracing_scope(keras.ops.ones(1))
    assert traced is False
