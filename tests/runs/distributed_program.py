"""What test_distribution.py runs in processes of their own: a process counts its devices once.

python distributed_program.py curves FILE.json KIND ...    losses, one-device training first
python distributed_program.py run FLAG ...                 a recipe with these flags
"""

import json
import os
import sys
from pathlib import Path

import keras
import numpy as np

from keras_vit import AugmentedModel, RandomCrop, ViT
from keras_vit.commands.train import main
from keras_vit.runs import Preset, Recipe, finish_classifier
from keras_vit.train import EpochSeeds, ShuffledBatches, distributed

BATCH = 16
TINY = {"patch_size": 4, "hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16}
RECIPE = Recipe(
    name="tiny",
    data="digits",
    presets={
        "short": Preset(
            "one small block",
            "nothing much",
            epochs=2,
            batch_size=BATCH,
            crop_padding=1,
            flip=True,
            cutmix=1.0,
            model={**TINY, "dropout": 0.1, "drop_path": 0.1},
        )
    },
    on_cpu="short",
    on_gpu="short",
)


def curve(kind):
    """Losses of two epochs, and what each variable's part on the first device looks like."""
    on_jax = keras.backend.backend() == "jax"
    rate = 0.1 if on_jax else 0.0  # TensorFlow's replicas draw alike
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (4 * BATCH, 8, 8, 3)).astype("uint8")
    y = rng.integers(0, 8, len(x))
    keras.utils.set_random_seed(0)
    with distributed(kind, BATCH) as devices:
        model = ViT((8, 8, 3), num_classes=8, dropout=rate, drop_path=rate, **TINY)
        augment = [RandomCrop(padding=1)] if on_jax else []
        trainer = AugmentedModel(model, augment, cutmix=1.0 if on_jax else 0.0)
        trainer.compile("adamw", metrics=["accuracy"])
        batches = ShuffledBatches(x, y, BATCH, devices=devices)
        seeds = EpochSeeds(0, batches)
        history = trainer.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=[seeds])
        parts = parts_of(trainer) if on_jax and kind else {}
    return {"devices": devices._asdict(), "loss": history.history["loss"], "parts": parts}


def parts_of(trainer):
    """Shapes on one device, as the shards themselves say."""
    batch = keras.distribution.distribution().get_data_layout((BATCH, 8, 8, 3)).backend_layout
    variables = (*trainer.trainable_variables, *trainer.optimizer.variables)
    return {
        "batch": batch.shard_shape((BATCH, 8, 8, 3)),
        **{v.path: v.value.addressable_shards[0].data.shape for v in variables},
    }


def two_cpus_on_tensorflow():
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


if __name__ == "__main__":
    task, *words = sys.argv[1:]
    if keras.backend.backend() == "tensorflow":
        two_cpus_on_tensorflow()
    if task == "run":
        # The report takes seconds, and has tests of its own.
        finish_classifier.write_report = lambda path, *_, **__: path.write_text("")
        main(RECIPE, "A tiny run.", words)
    else:
        file, *kinds = words
        curves = {kind: curve(kind if kind != "one" else None) for kind in kinds}
        if os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", "0") == "0":
            Path(file).write_text(json.dumps(curves))
