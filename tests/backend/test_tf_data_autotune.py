import os
import subprocess
import sys

import numpy as np
import pytest

# TensorFlow logs what the tuning does; the names say whose `fit` it was.
FITS = """
import sys
import keras, numpy as np, tensorflow as tf
from keras_vit import AugmentedModel, ViT
x, y = np.zeros((64, 8, 8, 3), "uint8"), np.zeros(64, "int32")
class Batches(keras.utils.PyDataset):
    def __len__(self): return 4
    def __getitem__(self, index): return x[:16], y[:16]
vit = ViT((8, 8, 3), 4, 10, hidden_dim=16, depth=1, num_heads=2)
vit.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
trainer = AugmentedModel(vit)
trainer.compile("sgd", steps_per_execution=2)
keras_own = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)])
keras_own.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
for name, model in [("vit", vit), ("trainer", trainer), ("keras", keras_own)]:
    print(name, file=sys.stderr, flush=True)
    model.fit(x, y, batch_size=16, verbose=0, validation_data=(x, y))
    model.fit(Batches(), verbose=0)
    model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(16), shuffle=False, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
"""


@pytest.mark.slow
def test_nothing_of_ours_starts_the_tuning_that_an_epoch_would_wait_for():
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "model=2"}
    done = subprocess.run(
        [sys.executable, "-c", FITS],
        env={**environment, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    ours, _, theirs = done.stderr.partition("\nkeras\n")
    assert ours.startswith("vit\n") or "\nvit\n" in ours
    assert "\ntrainer\n" in ours
    assert "tunable parameters" in theirs  # the log would have told
    assert "tunable parameters" not in ours


def test_a_data_set_keeps_what_its_owner_said_of_the_tuning():
    import tensorflow as tf

    from keras_vit.backend.tf_data_autotune_tensorflow import without_tuning

    taken = without_tuning(tf.distribute.get_strategy()).experimental_distribute_dataset
    data = tf.data.Dataset.range(8).batch(2).prefetch(tf.data.AUTOTUNE)
    assert taken(data).options().autotune.enabled is False
    np.testing.assert_array_equal([*taken(data).unbatch()], range(8))
    for name, said in [("enabled", True), ("enabled", False), ("cpu_budget", 1)]:
        options = tf.data.Options()
        setattr(options.autotune, name, said)
        kept = taken(data.with_options(options)).options().autotune
        assert kept == options.autotune


def test_several_devices_have_their_strategy():
    import tensorflow as tf

    from keras_vit import ViT

    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        model = ViT((8, 8, 3), 4, 10, hidden_dim=16, depth=1, num_heads=2)
    assert isinstance(model.distribute_strategy, tf.distribute.OneDeviceStrategy)
