"""Measure the cost of `--distribute data` in a training step on a single device.

    KERAS_BACKEND=jax python benchmarks/distribution_cost.py [--rounds 15] [--out FILE.json]

Three trainers of the same model take turns in one process, so that other work of the machine slows
all of them alike. The first is not distributed. The second is inside `distributed("data")`, which
changes nothing on one device, so that its difference to the first is the noise of the measurement.
The third is inside Keras's `DataParallel` over the one device, which shows what distribution would
cost on each of several devices. The model is the compact ViT of recipes/cifar10.py, and a batch has
64 images in float32. The results are medians over the rounds.
"""

import argparse
import contextlib
import json
import os
import time
from pathlib import Path

import keras
import numpy as np

from keras_vit import AugmentedModel, ViT
from keras_vit.files import write_json
from keras_vit.train import ShuffledBatches, distributed

BATCH = 64
COMPACT = {"patch_embedding": "stem", "hidden_dim": 128, "depth": 4, "num_heads": 4, "mlp_dim": 256}
SCOPES = {
    "plain": contextlib.nullcontext,
    "distributed": lambda: distributed("data", BATCH),
    "data_parallel": lambda: keras.distribution.DataParallel(auto_shard_dataset=False).scope(),
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--steps", type=int, default=4, help="training steps in a round (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=15, help="number of rounds (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args()
    if keras.backend.backend() != "jax" or keras.distribution.get_device_count() > 1:
        parser.exit(
            2,
            "distribution_cost.py: error: the backend must be jax, with a single device. Received: "
            f"KERAS_BACKEND={keras.backend.backend()}, "
            f"{keras.distribution.get_device_count()} devices\n",
        )

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (flags.steps * BATCH, 32, 32, 3)).astype("uint8")
    batches = ShuffledBatches(images, rng.integers(0, 10, len(images)), BATCH)
    trainers, seconds = {}, {name: [] for name in SCOPES}
    for name, scope in SCOPES.items():
        with scope():
            trainers[name] = AugmentedModel(ViT(**COMPACT))
            trainers[name].compile("adamw", metrics=["accuracy"])
            trainers[name].fit(batches, verbose=0)
    for i in range(flags.rounds):
        order = list(SCOPES)[i % 3 :] + list(SCOPES)[: i % 3]
        for name in order:
            with SCOPES[name]():
                start = time.perf_counter()
                trainers[name].fit(batches, verbose=0)
                seconds[name].append((time.perf_counter() - start) / flags.steps)
    times = {name: np.array(values) for name, values in seconds.items()}
    figures = {
        "what": f"compact ViT training step, batch {BATCH}, float32, one device",
        "backend": "jax",
        "cores": os.cpu_count(),
        "steps_a_round": flags.steps,
        "rounds": flags.rounds,
        **{f"seconds_{name}_median": round(float(np.median(t)), 4) for name, t in times.items()},
        **{
            f"cost_{name}_median": round(float(np.median(times[name] / times["plain"])) - 1, 4)
            for name in ("distributed", "data_parallel")
        },
        **{
            f"cost_{name}_quartiles": [
                round(float(q) - 1, 4)
                for q in np.quantile(times[name] / times["plain"], (0.25, 0.75))
            ]
            for name in ("distributed", "data_parallel")
        },
    }
    print(json.dumps(figures, indent=2))
    if flags.out:
        write_json(flags.out, figures)


if __name__ == "__main__":
    main()
