"""Measure the cost of augmentation inside the compiled training step of KunViT.

    python benchmarks/augmentation_cost.py [--steps 6] [--rounds 5] [--out FILE.json]

Two trainers of the same model take turns in one process, so that other work of the machine slows
both alike. One trainer has RandomCrop, flip, AutoAugment and CutMix, and the other has none. The
results are medians over the rounds. The batches have 128 images in float32, and KERAS_BACKEND names
the backend.
"""

import argparse
import json
import os
import time
from pathlib import Path

import keras
import numpy as np

from keras_vit import AugmentedModel, AutoAugment, RandomCrop, ViT
from keras_vit.files import write_json

BATCH = 128


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--steps", type=int, default=6, help="training steps in a round (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="number of rounds (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args()

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (flags.steps * BATCH, 32, 32, 3)).astype("uint8")
    labels = rng.integers(0, 10, len(images))
    trainers = {
        "plain": AugmentedModel(ViT()),
        "augmented": AugmentedModel(
            ViT(),
            augment=[
                RandomCrop(4),
                keras.layers.RandomFlip("horizontal", dtype="float32"),
                AutoAugment(),
            ],
            cutmix=1.0,
            label_smoothing=0.1,
        ),
    }
    for trainer in trainers.values():
        trainer.compile("adamw", metrics=["accuracy"])
        trainer.fit(images[: 2 * BATCH], labels[: 2 * BATCH], batch_size=BATCH, verbose=0)

    seconds = {name: [] for name in trainers}
    for _ in range(flags.rounds):
        for name, trainer in trainers.items():
            start = time.perf_counter()
            trainer.fit(images, labels, batch_size=BATCH, verbose=0)
            seconds[name].append((time.perf_counter() - start) / flags.steps)
    ratios = np.array(seconds["augmented"]) / np.array(seconds["plain"])
    figures = {
        "what": "KunViT training step, batch 128, float32",
        "backend": keras.backend.backend(),
        "compiled": bool(trainers["augmented"].jit_compile),
        "cores": os.cpu_count(),
        "steps_a_round": flags.steps,
        "rounds": flags.rounds,
        "seconds_plain_median": round(float(np.median(seconds["plain"])), 4),
        "seconds_augmented_median": round(float(np.median(seconds["augmented"])), 4),
        "cost_median": round(float(np.median(ratios)) - 1, 4),
        "cost_range": [round(float(f(ratios)) - 1, 4) for f in (np.min, np.max)],
    }
    print(json.dumps(figures, indent=2))
    if flags.out:
        write_json(flags.out, figures)


if __name__ == "__main__":
    main()
