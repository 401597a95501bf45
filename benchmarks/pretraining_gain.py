"""Measure the gain of masked pretraining over training from scratch.

    python benchmarks/pretraining_gain.py [--labelled 5000] [--out FILE.json]

A compact ViT is pretrained on all training images without their labels, and then fine-tuned on a
few labelled images. The same ViT with random weights gets the same fine-tuning: the same images in
the same order, and the same steps, rates and augmentation. Each seed draws its own labelled images.
All settings were chosen beforehand, and each model is tested once, after its last epoch. The file
is written again after each seed. Times are CPU times, summed over the cores.
"""

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

import keras
import numpy as np

from keras_vit import (
    AugmentedModel,
    MaskedAutoencoder,
    RandomCrop,
    RandomResizedCrop,
    ViT,
    adamw,
    load_data,
    warmup_cosine,
)
from keras_vit.data import train_validation_split
from keras_vit.files import write_json

BATCH = 128
MODEL = {"hidden_dim": 128, "depth": 4, "num_heads": 4, "mlp_dim": 256, "pool": "mean"}
DECODER = {"decoder_dim": 64, "decoder_depth": 1}


def main():
    flags = parsed()
    data = load_data(flags.data, data_dir=flags.data_dir)
    figures = {
        "what": "test accuracy after fine-tuning on a few labelled images",
        "data": flags.data,
        "model": MODEL,
        "unlabelled_images": len(data.x_train),
        "labelled_images": flags.labelled,
        "pretraining_epochs": flags.pretraining_epochs,
        "fine_tuning_epochs": flags.epochs,
        "backend": keras.backend.backend(),
        "cores": os.cpu_count(),
        "command": shlex.join(["python", "benchmarks/pretraining_gain.py", *sys.argv[1:]]),
    }
    encoder, figures["pretraining"] = pretrained(data, flags)
    figures["runs"] = []
    for seed in range(flags.seeds):
        share = flags.labelled / len(data.x_train)
        _, labelled = train_validation_split(*data.train, share, seed)
        run = {"seed": seed}
        for name, start in {"pretrained": encoder, "scratch": None}.items():
            run[name], run[f"{name}_cpu_seconds"] = fine_tuned(start, labelled, data, flags, seed)
            print(f"seed {seed}, {name}: {run[name]:.2%}", flush=True)
        figures["runs"].append(run)
        for name in ("pretrained", "scratch"):
            mean = np.mean([run[name] for run in figures["runs"]])
            figures[f"{name}_mean"] = round(float(mean), 4)
        gains = [100 * (run["pretrained"] - run["scratch"]) for run in figures["runs"]]
        figures["gain_points"] = [round(gain, 2) for gain in gains]
        if flags.out:
            write_json(flags.out, figures)
    print(json.dumps(figures, indent=2))


def parsed():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = "default: %(default)s"
    parser.add_argument(
        "--data", default="cifar10", help=f"a data set's name or a .npz file ({default})"
    )
    parser.add_argument("--data-dir", help="the folder of tensorflow-datasets' data sets")
    parser.add_argument(
        "--labelled", type=int, default=5000, help=f"number of labelled images ({default})"
    )
    parser.add_argument(
        "--pretraining-epochs", type=int, default=10, help=f"epochs of pretraining ({default})"
    )
    parser.add_argument("--epochs", type=int, default=10, help=f"epochs of fine-tuning ({default})")
    parser.add_argument(
        "--seeds", type=int, default=2, help=f"fine-tunings of each model ({default})"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    return parser.parse_args()


def pretrained(data, flags):
    """Pretrain the encoder; return the encoder and the losses and times of its pretraining."""
    keras.utils.set_random_seed(0)
    height, width, _ = data.image_shape
    model = MaskedAutoencoder(
        ViT(data.image_shape, num_classes=0, **MODEL),
        augment=[RandomResizedCrop(height, width, (0.5, 1.0)), flip()],
        **DECODER,
    )
    steps = flags.pretraining_epochs * (len(data.x_train) // BATCH)
    model.compile(adamw(model, warmup_cosine(1.5e-3, steps, steps // 10), beta_2=0.95))
    start = time.process_time()
    history = fit(model, data.x_train, None, flags.pretraining_epochs)
    seconds = time.process_time() - start
    return model.encoder, {
        "loss_first_epoch": round(history["loss"][0], 4),
        "loss_last_epoch": round(history["loss"][-1], 4),
        "cpu_seconds": round(seconds, 1),
        "images_per_cpu_second": round(steps * BATCH / seconds, 1),
    }


def fine_tuned(encoder, labelled, data, flags, seed):
    """Fine-tune an encoder, or a new model for None; return (test accuracy, CPU seconds)."""
    keras.utils.set_random_seed(seed)
    model = ViT(data.image_shape, num_classes=data.num_classes, **MODEL)
    if encoder is not None:
        model.set_weights(encoder.get_weights() + model.get_layer("head").get_weights())
    trainer = AugmentedModel(model, augment=[RandomCrop(4), flip()], label_smoothing=0.1)
    steps = flags.epochs * (flags.labelled // BATCH)
    trainer.compile(adamw(model, warmup_cosine(1e-3, steps, steps // 10)), metrics=["accuracy"])
    start = time.process_time()
    fit(trainer, *labelled, flags.epochs)
    seconds = time.process_time() - start
    logits = model.predict(data.x_test, batch_size=500, verbose=0)
    return float(np.mean(logits.argmax(axis=1) == data.y_test)), round(seconds, 1)


def fit(model, x, y, epochs):
    """Train on full batches only, so that only one step is compiled."""
    whole = len(x) // BATCH * BATCH
    y = None if y is None else y[:whole]
    return model.fit(x[:whole], y, batch_size=BATCH, epochs=epochs, verbose=2).history


def flip():
    return keras.layers.RandomFlip("horizontal", dtype="float32")


if __name__ == "__main__":
    main()
