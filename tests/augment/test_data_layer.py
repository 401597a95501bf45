"""The behaviour of Keras's private DataLayer that we need: a failure means that Keras changed."""

import subprocess
import sys

import keras
import numpy
import pytest

from keras_vit.augment.data_layer import ImageLayer, update_where

pytestmark = pytest.mark.backends


def test_the_private_class_is_where_we_import_it_and_under_keras_own_layers():
    from keras.src.layers.preprocessing.data_layer import DataLayer

    assert issubclass(ImageLayer, DataLayer)
    assert issubclass(keras.layers.RandomFlip, DataLayer)


def test_its_backend_is_the_current_one_and_can_be_switched():
    layer = ImageLayer(seed=1)
    assert layer.backend.name == keras.backend.backend()
    layer.backend.set_backend("jax")
    assert layer.backend.name == "jax"
    layer.backend.reset()
    assert layer.backend.name == keras.backend.backend()


def test_it_hands_out_the_generator_of_the_layer():
    layer = ImageLayer(seed=1)
    assert layer._get_seed_generator(keras.backend.backend()) is layer.generator


def test_inside_tf_data_it_switches_to_tensorflow_and_back():
    tf = pytest.importorskip("tensorflow")
    names = []

    class Recorder(ImageLayer):
        def augment(self, images, seed):
            names.append((self.backend.name, type(images).__module__.split(".")[0]))
            return images

    layer = Recorder(seed=1)
    list(tf.data.Dataset.from_tensors(tf.zeros((1, 4, 4, 3))).map(layer))
    assert set(names) == {("tensorflow", "tensorflow")}
    assert layer.backend.name == keras.backend.backend()


@pytest.mark.parametrize("values", [(4, 11, 5, 12), (4, 5, 6, 7), (11, 12, 13, 14)])
def test_what_is_done_to_some_images_leaves_the_others(compiled, values):
    ops = keras.ops
    seen = []

    class AddsItsNumber(ImageLayer):
        """A layer that adds its index in the batch to each image that is bright."""

        def augment(self, images, seed):
            np = self.backend.numpy
            number = np.arange(images.shape[0], dtype="float32")
            bright = np.max(images, axis=(1, 2, 3)) > 10

            def add(images, number, bright):
                seen.append(images.shape[0])
                number = np.where(bright, number, 0.0)
                return images + np.reshape(number, (-1, 1, 1, 1))

            own = images + 0.0
            return update_where(self.backend, bright, add, own, number, bright)

    images = numpy.array(values, "float32").reshape(4, 1, 1, 1) * numpy.ones((4, 32, 32, 3))
    expected = [value + (i if value > 10 else 0) for i, value in enumerate(values)]
    layer = AddsItsNumber(seed=1)
    layer(ops.convert_to_tensor(images, "float32"))
    assert bool(seen) == (max(values) > 10), "it is skipped where none is chosen"
    for call in (layer, compiled(layer)):
        outputs = ops.convert_to_numpy(call(ops.convert_to_tensor(images, "float32")))
        assert outputs.min(axis=(1, 2, 3)).tolist() == outputs.max(axis=(1, 2, 3)).tolist()
        assert outputs[:, 0, 0, 0].tolist() == expected
    if keras.backend.backend() == "torch":
        chosen = sum(value > 10 for value in values)
        assert set(seen) == ({chosen} if chosen else set()), "PyTorch computes the chosen alone"


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="the import is the same on each")
def test_import_brings_no_slow_package():
    slow = ("scipy", "PIL", "matplotlib", "sklearn")
    code = (
        "import sys, keras; before = set(sys.modules); import keras_vit.augment; "
        f"print([name for name in {slow} if name in set(sys.modules) - before])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip().endswith("[]"), result.stderr
