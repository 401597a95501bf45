"""Compare the augmentation of this library, of torchvision and of Keras, in images a second.

    python benchmarks/augmentation_throughput.py [--rounds 7] [--steps 8] [--out FILE.json]

The images are uint8, 32x32 pixels, in batches of 256. This library applies AutoAugment (CIFAR-10's
policy), RandomResizedCrop and flip, with random draws for each image, compiled by XLA on TensorFlow
and JAX. torchvision applies the same to PIL images in a DataLoader, with one worker and with one
worker for each core. Keras's RandAugment and flip draw once for the whole batch; there is no crop,
and XLA cannot compile RandAugment on TensorFlow. Each of them runs in a process of its own, and the
processes take turns of --steps batches. The results are medians over the rounds.
"""

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
# With these paths the script runs without an installed package.
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE))

from augmenters import AUGMENTERS, BATCH  # noqa: E402
from turns import Worker, rates, with_range  # noqa: E402

from keras_vit.files import write_json  # noqa: E402


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=AUGMENTERS,
        metavar="NAME",
        help="the augmenters to compare (default: all)",
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="number of rounds (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=int, default=8, help="batches in a turn (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args(arguments)
    if min(flags.rounds, flags.steps) < 1:
        parser.exit(
            2,
            "augmentation_throughput.py: error: --rounds and --steps must be 1 or more. "
            f"Received: --rounds {flags.rounds}, --steps {flags.steps}\n",
        )
    names = flags.only or list(AUGMENTERS)
    workers = {}
    try:
        for name in names:
            words = ["--augmenter", name, "--steps", str(flags.steps)]
            workers[name] = Worker("augmenters.py", *words)
        for round_ in range(-1, flags.rounds):  # Round -1 only warms up.
            for worker in workers.values():
                worker.turn("augment", flags.steps, keep=round_ >= 0)
        rows = {name: row(worker, BATCH * flags.steps) for name, worker in workers.items()}
    finally:
        for worker in workers.values():
            worker.end()
    for name, figures in rows.items():
        shown = figures.get("error") or f"{with_range(figures['images_per_second'])} images/s"
        print(f"{name:32}{shown}")
    if flags.out:
        figures = {
            "what": "AutoAugment, RandomResizedCrop and flip on 32x32 images, batches of 256",
            "device": f"{os.cpu_count()} CPU cores",
            "rounds": flags.rounds,
            "steps": flags.steps,
            "augmenters": rows,
        }
        write_json(flags.out, figures)


def row(worker, images):
    if "error" in worker.beginning:
        return worker.beginning
    return {"images_per_second": rates(images, worker.seconds["augment"])}


if __name__ == "__main__":
    main()
