"""Compare size, speed and accuracy of a trained model before and after `quantize("int8")`.

    python benchmarks/quantization.py saved_models/cifar10 --data cifar10

Both models are loaded from a `.keras` file. The models take turns, and the images a second are
medians over the rounds.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from keras_vit import load_data
from keras_vit.files import write_json
from keras_vit.weights.model_file import load_model, model_file

BATCH = 250


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", metavar="MODEL", help="a .keras file or a run's folder")
    parser.add_argument(
        "--data", default="cifar10", help="the data set of the test images (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=7, help="number of rounds (default: %(default)s)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default="results/quantization.json",
        help="the JSON file to write (default: %(default)s)",
    )
    flags = parser.parse_args()
    data = load_data(flags.data)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "int8.keras")
        quantized = load_model(flags.model)
        quantized.quantize("int8")
        quantized.save(small)
        models = {"float32": load_model(flags.model), "int8": load_model(small)}
        megabytes = {"float32": model_file(flags.model), "int8": small}
        megabytes = {name: round(path.stat().st_size / 1e6, 2) for name, path in megabytes.items()}
    rates = throughput(models, data.x_test[:BATCH], flags.rounds)
    rows = {
        name: {
            "megabytes": megabytes[name],
            "test_accuracy": accuracy(model, data),
            "images_per_second": rates[name],
        }
        for name, model in models.items()
    }
    settings = {"data": flags.data, "backend": keras.backend.backend(), "cores": os.cpu_count()}
    command = f"python benchmarks/quantization.py {flags.model} --data {flags.data}"
    write_json(flags.out, {**settings, "command": command, "models": rows})
    for name, row in rows.items():
        print(name, row)


def throughput(models, images, rounds):
    """Return the median of each model's images a second; the models take turns in each round."""
    seconds = {name: [] for name in models}
    for model in models.values():
        model.predict(images, batch_size=BATCH, verbose=0)
    for _ in range(rounds):
        for name, model in models.items():
            started = time.perf_counter()
            model.predict(images, batch_size=BATCH, verbose=0)
            seconds[name].append(time.perf_counter() - started)
    return {name: round(BATCH / statistics.median(times), 1) for name, times in seconds.items()}


def accuracy(model, data):
    predicted = model.predict(data.x_test, batch_size=BATCH, verbose=0).argmax(axis=1)
    return float(np.mean(predicted == data.y_test))


if __name__ == "__main__":
    main()
