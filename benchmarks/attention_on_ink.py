"""Measure how much of a model's attention falls on the ink of handwritten digits.

    python benchmarks/attention_on_ink.py MODEL [--data mnist] [--out results/attention_on_ink.json]

The script computes, for every test image and block, the share of the attention to patches that
falls on ink (pixels above 0). The attention is the class token's, or the mean over the patches for
a model without a class token, averaged over the heads. The attention to a patch is spread evenly
over its pixels. Attention that is the same everywhere would have the share that the ink has of the
image, so a greater share shows that the model attends to the digit. MNIST's 10,000 test images take
40 seconds on two cores.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path

import keras
import numpy as np

from keras_vit import iter_attention_maps, load_data
from keras_vit.files import write_json
from keras_vit.inspection import attention_mass, patch_attention
from keras_vit.inspection.patch_attention import reads_class_token
from keras_vit.weights.model_file import load_model, model_name

BATCH = 250


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="a .keras file or a run's folder; its images have light ink")
    parser.add_argument(
        "--data", default="mnist", help="a data set's name or a .npz file (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, help="also write the measurements to this JSON file")
    flags = parser.parse_args()
    try:
        if flags.out and not flags.out.parent.is_dir():
            raise ValueError(f"{flags.out.parent}: there is no such folder to write to")
        model = load_model(flags.model)
        images = load_data(flags.data).x_test
        mass, share = attention_on_ink(model, images)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: error: {' '.join(str(error).split())}\n")
    figures = {
        "what": "share of the attention to patches that falls on ink (pixels above 0), mean over "
        "the test set",
        "model": model_name(flags.model),
        "data": Path(flags.data).stem,
        "backend": keras.backend.backend(),
        "test_images": len(images),
        "ink_share_of_image": round(float(share.mean()), 4),
        "attention_on_ink_by_block": np.round(mass.mean(axis=1), 4).tolist(),
        "attention_on_ink_last_block": round(float(mass[-1].mean()), 4),
        "images_above_share_last_block": round(float(np.mean(mass[-1] > share)), 4),
        "command": shlex.join(["python", "benchmarks/attention_on_ink.py", *sys.argv[1:]]),
    }
    print(json.dumps(figures, indent=2))
    if flags.out:
        write_json(flags.out, figures)


def attention_on_ink(model, images):
    """Compute the attention on ink and the ink's share of each image.

    Args:
        model: Keras model with attention blocks.
        images: uint8 array `(N, H, W, C)`.

    Returns:
        A tuple of the shares of the attention, `(depth, N)`, and the ink's shares, `(N,)`.
    """
    ink = (images > 0).any(axis=-1)
    masses = []
    for i, maps in enumerate(iter_attention_maps(model, images, batch_size=BATCH)):
        batch_ink = ink[i * BATCH : (i + 1) * BATCH]
        heats = [patch_attention(block, model.grid, reads_class_token(model)) for block in maps]
        masses.append([attention_mass(heat, batch_ink).mass for heat in heats])
    return np.concatenate(masses, axis=1), ink.mean(axis=(1, 2))


if __name__ == "__main__":
    main()
