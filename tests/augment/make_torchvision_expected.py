"""Write torchvision_expected.npz: what torchvision computes from four CIFAR-10 photographs.

Most photographs are cropped. The crops keep the file small, and a mistake that swaps height and
width shows, because the crops are not square. Equalize does nothing to images of fewer than 256
pixels and rounds only in images of more than 510, so the images for Equalize are larger.

The file was made with torchvision 0.28.0 and PyTorch 2.13.0. It must be made again only when the
cases change:

    python tests/augment/make_torchvision_expected.py path/to/cifar10.npz

The `.npz` must hold `x_train`, an array (50000, 32, 32, 3) uint8.
"""

import sys
from pathlib import Path

import numpy as np
import torch

# Some builds of torchvision register fake kernels for operators that they lack, and that makes the
# import fail.
torch.library.register_fake = lambda *args, **kwargs: lambda function: function

from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms import autoaugment as tv  # noqa: E402
from torchvision.transforms import functional as F  # noqa: E402

PHOTOGRAPHS = (3, 7, 29, 54)
WARPS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
# Level 2 is left out, because with a shear of 2/30 two pixels are sometimes equally near.
LEVELS = (3, 5, 9)
# Each case is (top, left, height, width) in an image of 32×32 pixels, and (height, width) of the
# output.
CROPS = (
    ((0, 0, 32, 32), (24, 20)),
    ((3, 5, 20, 13), (32, 32)),
    ((11, 2, 7, 30), (16, 16)),
    ((4, 9, 28, 21), (9, 11)),
    ((31, 0, 1, 1), (8, 8)),
    ((0, 0, 32, 32), (64, 48)),
)
# Each case is whether each of the two operations is applied, and the sign of each.
POLICY_CASES = (
    ((1, 0), (1, 1)),
    ((0, 1), (-1, -1)),
    ((1, 1), (-1, 1)),
    ((1, 1), (1, -1)),
)


def main(source, target):
    photographs = np.load(source, allow_pickle=False)["x_train"][list(PHOTOGRAPHS)]
    # A flat image and an image with few, low values test the special cases of Equalize and
    # AutoContrast.
    odd = np.random.default_rng(0).integers(3, 6, (2, 14, 18, 3))
    odd[0] = 77
    inputs = {
        "photographs": photographs,
        "images": photographs[:, 9:23, 7:25],
        "policy_images": photographs[:, 4:28, 3:29],
        "odd": odd.astype("uint8"),
        "grey": photographs[:1, 9:23, 7:25, 1:2],
    }
    batches = {name: torch.from_numpy(x).permute(0, 3, 1, 2) for name, x in inputs.items()}
    expected = {
        **inputs,
        **operations(batches),
        **{f"crop/{i}": crop(batches["photographs"], *c) for i, c in enumerate(CROPS)},
        "crop_boxes": np.array([box for box, _ in CROPS]),
        "crop_sizes": np.array([size for _, size in CROPS]),
        "policy_table": np.array(
            tv.AutoAugment()._get_policies(tv.AutoAugmentPolicy.CIFAR10), dtype=str
        ),
        "policy": policy(batches["policy_images"]),
        "policy_apply": np.array([flags for flags, _ in POLICY_CASES]),
        "policy_sign": np.array([signs for _, signs in POLICY_CASES]),
    }
    np.savez_compressed(target, **expected)
    print(target, Path(target).stat().st_size, "bytes")


def operations(batches):
    """Compute the results of each operation, by keys "operation/NAME/MAGNITUDE/INPUT/MODE"."""
    space = tv.AutoAugment()._augmentation_space(10, (14, 18))
    cases = [(name, 0.0) for name in ("Invert", "AutoContrast", "Equalize")]
    for name, (magnitudes, signed) in space.items():
        if magnitudes.ndim:
            sizes = [float(magnitudes[level]) for level in LEVELS]
            if name.startswith("Translate"):
                sizes = [float(int(size)) for size in sizes]  # torchvision truncates them too
            cases += [(name, size) for size in sizes]
            cases += [(name, -size) for size in sizes if signed]
    out = {}
    for name, size in cases:
        for kind in inputs_of(name):
            for mode in ("nearest", "bilinear") if name in WARPS else ("nearest",):
                key = f"operation/{name}/{size!r}/{kind}/{mode}"
                out[key] = apply(
                    batches[kind][: 2 if kind == "odd" else 1], name, size, InterpolationMode(mode)
                )
    return out


def inputs_of(name):
    if name in WARPS:
        return ("images",)
    return ("photographs" if name == "Equalize" else "images", "odd", "grey")


def policy(batch):
    """Compute each sub-policy on one photograph in each case, an array (25, cases, 24, 26, 3)."""
    augment = tv.AutoAugment(tv.AutoAugmentPolicy.CIFAR10)
    rows = []
    for index in range(25):
        row = []
        for flags, signs in POLICY_CASES:
            augment.get_params = fixed_params(index, flags, signs)
            row.append(augment(batch[index % len(batch)]).permute(1, 2, 0).numpy())
        rows.append(row)
    return np.array(rows)


def fixed_params(index, flags, signs):
    # An operation is applied where its draw is at most its probability. The draw is -1, because one
    # operation of the policy has a probability of 0.0.
    draws = torch.tensor([-1.0 if flag else 2.0 for flag in flags])
    return lambda count: (index, draws, torch.tensor([int(sign > 0) for sign in signs]))


def crop(batch, box, size):
    return channels_last(F.resized_crop(batch[:2], *box, list(size), antialias=True))


def apply(images, name, size, interpolation):
    return channels_last(tv._apply_op(images, name, size, interpolation, None))


def channels_last(images):
    return images.permute(0, 2, 3, 1).contiguous().numpy()


if __name__ == "__main__":
    main(sys.argv[1], Path(__file__).with_name("torchvision_expected.npz"))
