"""What we rely on in Keras's private DataLayer. A failure here means that Keras changed."""

import subprocess
import sys

import keras
import pytest

from keras_vit.augment.data_layer import ImageLayer, apply_if

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


def test_conditions_are_taken_eagerly_and_compiled(compiled):
    ops = keras.ops

    class Doubler(ImageLayer):
        def augment(self, images, seed):
            bright = self.backend.numpy.max(images) > 10
            return apply_if(self.backend, bright, lambda x: 2 * x, images)

    layer = Doubler(seed=1)
    for call in (layer, compiled(layer)):
        for value, result in ((4.0, 4.0), (11.0, 22.0)):
            outputs = call(ops.full((2, 32, 32, 3), value))
            assert float(ops.min(outputs)) == float(ops.max(outputs)) == result


def test_no_other_file_names_a_private_module():
    from pathlib import Path

    import keras_vit.augment

    files = Path(keras_vit.augment.__file__).parent.glob("*.py")
    naming = [file.name for file in files if "keras.src" in file.read_text(encoding="utf-8")]
    assert naming == ["data_layer.py"]


def test_import_brings_no_slow_package():
    slow = ("scipy", "PIL", "matplotlib", "sklearn")
    code = (
        "import sys, keras; before = set(sys.modules); import keras_vit.augment; "
        f"print([name for name in {slow} if name in set(sys.modules) - before])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip().endswith("[]"), result.stderr
