"""Measure how long epochs wait at their end on TensorFlow, with and without tf.data's autotuning.

    python benchmarks/epoch_ends.py [--steps 20] [--rounds 8] [--out FILE.json]

The compact ViT of recipes/cifar10.py trains for epochs of the same batches in one process. Epochs
with autotuning, which every data set has by default, and epochs without it take turns.
keras_vit/backend/tf_data_autotune.py explains why this package trains without it. The steps are the
same, so that the difference in time is the wait, apart from noise.
"""

import argparse
import json
import os
import shlex
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_vit import AugmentedModel, ViT
from keras_vit.commands.recipe_files import load_recipe
from keras_vit.files import write_json

BATCH = 128


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--steps", type=int, default=20, help="training steps in an epoch (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=8, help="number of rounds (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args()

    compact = load_recipe("cifar10")[0].presets["compact"]
    trainer = AugmentedModel(ViT((32, 32, 3), num_classes=10, **compact.model))
    trainer.compile("adamw")
    ours = batches(flags.steps)
    tuning = tf.data.Options()
    # The trainer turns autotuning off only where the user has not chosen. True is TensorFlow's
    # default.
    tuning.autotune.enabled = True
    epochs = {"tuned": ours.with_options(tuning), "ours": ours}
    for data in epochs.values():
        trainer.fit(data.take(2), shuffle=False, verbose=0)
    seconds = {name: [] for name in epochs}
    for _ in range(flags.rounds):
        for name, data in epochs.items():
            start = time.perf_counter()
            trainer.fit(data, shuffle=False, verbose=0)
            seconds[name].append(round(time.perf_counter() - start, 2))
    figures = {
        "what": f"an epoch of {flags.steps} steps of the compact ViT, batch {BATCH}, float32",
        "tensorflow": version("tensorflow"),
        "cores": os.cpu_count(),
        "command": shlex.join(["python", *sys.argv]),
        "seconds_tuned": seconds["tuned"],
        "seconds_ours": seconds["ours"],
        "median_tuned": round(float(np.median(seconds["tuned"])), 2),
        "median_ours": round(float(np.median(seconds["ours"])), 2),
    }
    print(json.dumps(figures, indent=2))
    if flags.out:
        write_json(flags.out, figures)


def batches(steps):
    """Make a data set of random images, whose length is an epoch of `steps` steps."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (steps * BATCH, 32, 32, 3)).astype("uint8")
    labels = rng.integers(0, 10, len(images))
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    return data.batch(BATCH).prefetch(tf.data.AUTOTUNE)


if __name__ == "__main__":
    main()
