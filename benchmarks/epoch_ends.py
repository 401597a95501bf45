"""How long epochs wait at their end on TensorFlow: with tf.data's tuning, and as ours are.

    python benchmarks/epoch_ends.py [--steps 20] [--rounds 8] [--out FILE.json]

The compact ViT of recipes/cifar10.py trains for epochs of the same batches in one process, in turn
with the tuning that every data set has by default and without it (keras_vit/models/prompt_epochs.py
says why). The steps are the same, so what one takes longer, noise apart, is the wait.
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
from keras_vit.train.photograph_presets import COMPACT

from keras_vit import AugmentedModel, ViT
from keras_vit.files import write_json

BATCH = 128


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=20, help="an epoch")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--out", type=Path, help="also write the figures to this file")
    flags = parser.parse_args()

    trainer = AugmentedModel(ViT((32, 32, 3), num_classes=10, **COMPACT.model))
    trainer.compile("adamw")
    left = batches(flags.steps)
    tuning = tf.data.Options()
    tuning.autotune.enabled = True  # what TensorFlow takes it for where nobody says so
    epochs = {"tuned": left.with_options(tuning), "ours": left}
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
    """An epoch of random images."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (steps * BATCH, 32, 32, 3)).astype("uint8")
    labels = rng.integers(0, 10, len(images))
    data = tf.data.Dataset.from_tensor_slices((images, labels))
    return data.batch(BATCH).prefetch(tf.data.AUTOTUNE)


if __name__ == "__main__":
    main()
