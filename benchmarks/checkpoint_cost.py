"""Measure the cost of a checkpoint after each epoch of KunViT.

    python benchmarks/checkpoint_cost.py [--steps 2] [--rounds 5] [--out FILE.json]

Some training steps and one checkpoint take turns in one process, so that other work of the machine
slows both alike. The results are medians over the rounds. An epoch is CIFAR-10's 390 steps of 128
images. A checkpoint holds the weights, AdamW's two moments and everything else that a run needs to
continue. It is written, synced to the disk, read back and checked. KERAS_BACKEND names the backend.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from keras_vit.backend.hardware import device_kind
from keras_vit.data import ImageData
from keras_vit.files import write_json
from keras_vit.runs import Preset, build
from keras_vit.runs.checkpoint import Checkpoint, Place

STEPS_PER_EPOCH = 50_000 // 128
PRESET = Preset(
    "KunViT",
    "",
    epochs=200,
    crop_padding=4,
    flip=True,
    auto_augment={"policy": "cifar10"},
    weight_decay=5e-5,
)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--steps", type=int, default=2, help="training steps in a round (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="number of rounds (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args()

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (PRESET.batch_size, 32, 32, 3)).astype("uint8")
    labels = rng.integers(0, 10, len(images))
    data = ImageData(images, labels, images, labels, tuple("0123456789"))
    trainer = build.build_trainer(PRESET, build.build_model(PRESET, data), STEPS_PER_EPOCH)
    trainer.train_on_batch(images, labels)  # The first step compiles.

    steps, saves = [], []
    # The folder is here and not in /tmp, which may be in memory.
    with tempfile.TemporaryDirectory(dir=".") as folder:
        checkpoint = Checkpoint(Path(folder))
        for round_ in range(flags.rounds):
            for _ in range(flags.steps):
                steps.append(seconds_of(trainer.train_on_batch, images, labels))
            saves.append(seconds_of(checkpoint.save, trainer, Place(round_)))
        size = checkpoint.files()[0].stat().st_size
    step, save = float(np.median(steps)), float(np.median(saves))
    figures = {
        "what": "KunViT with AdamW, a checkpoint after each epoch of 390 steps of 128 images",
        "backend": keras.backend.backend(),
        "device": f"{device_kind()}, {os.cpu_count()} cores",
        "rounds": flags.rounds,
        "checkpoint_bytes": size,
        "checkpoint_seconds_median": round(save, 3),
        "checkpoint_seconds_range": [round(f(saves), 3) for f in (min, max)],
        "step_seconds_median": round(step, 3),
        "epoch_seconds": round(step * STEPS_PER_EPOCH, 1),
        "cost_of_epoch": round(save / (step * STEPS_PER_EPOCH), 6),
        "epoch_seconds_where_it_would_cost_3_percent": round(save / 0.03, 1),
    }
    print(json.dumps(figures, indent=2))
    if flags.out:
        write_json(flags.out, figures)


def seconds_of(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
