"""Makes torchvision_expected.npz: what torchvision gives for four CIFAR-10 photographs.

Made with torchvision 0.28.0 and PyTorch 2.13.0. Needed again only when the cases change:

    python tests/augment/make_torchvision_expected.py path/to/cifar10.npz

where the `.npz` has `x_train`, (50000, 32, 32, 3) uint8.
"""

import sys
from pathlib import Path

import numpy as np
import torch

# Some torchvision builds register fake kernels for operators that they lack, and fail on import.
torch.library.register_fake = lambda *args, **kwargs: lambda function: function

from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms import autoaugment as tv  # noqa: E402
from torchvision.transforms import functional as F  # noqa: E402

PHOTOGRAPHS = (3, 7, 29, 54)
UNSIGNED = ("Posterize", "Solarize", "AutoContrast", "Equalize", "Invert")
WARPS = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
LEVELS = (0, 1, 4, 5, 9)
# top, left, height, width on 32×32, and the output's height and width
CROPS = (
    ((0, 0, 32, 32), (24, 20)),
    ((3, 5, 20, 13), (32, 32)),
    ((11, 2, 7, 30), (16, 16)),
    ((4, 9, 28, 21), (9, 11)),
    ((31, 0, 1, 1), (8, 8)),
    ((0, 0, 32, 32), (64, 48)),
)


def main(source, target):
    images = np.load(source, allow_pickle=False)["x_train"][list(PHOTOGRAPHS)]
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    # A flat image, and one of few, low values, for the edges of Equalize and AutoContrast.
    rng = np.random.default_rng(0)
    odd = np.stack([np.full((32, 32, 3), 77), rng.integers(3, 6, (32, 32, 3))]).astype("uint8")
    odd_batch = torch.from_numpy(odd).permute(0, 3, 1, 2)
    grey_batch = batch[:2, 1:2]

    expected = {"images": images, "odd": odd, "policy": policy(batch)}
    expected |= operations(batch, odd_batch, grey_batch)
    expected |= {f"crop/{i}": crop(batch, *case) for i, case in enumerate(CROPS)}
    expected["crop_boxes"] = np.array([box for box, _ in CROPS])
    expected["crop_sizes"] = np.array([size for _, size in CROPS])
    np.savez_compressed(target, **expected)
    print(target, Path(target).stat().st_size, "bytes")


def operations(batch, odd, grey):
    """Keys "operation/NAME/MAGNITUDE/NAME_OF_INPUT/INTERPOLATION"."""
    space = tv.AutoAugment()._augmentation_space(10, (32, 32))
    del space["Invert"], space["AutoContrast"], space["Equalize"]
    cases = [(name, 0.0) for name in ("Invert", "AutoContrast", "Equalize")]
    for name, (magnitudes, signed) in space.items():
        for level in LEVELS:
            size = float(magnitudes[level])
            cases += [(name, size)] + ([(name, -size)] if signed and size else [])
    out = {}
    for name, size in cases:
        inputs = {"images": batch[:2]}
        if name not in WARPS:
            inputs |= {"odd": odd, "grey": grey}
        for kind, images in inputs.items():
            out[f"operation/{name}/{size!r}/{kind}/nearest"] = apply(images, name, size)
        if name in WARPS and abs(size) > 0.05:
            key = f"operation/{name}/{size!r}/images/bilinear"
            out[key] = apply(batch[:2], name, size, InterpolationMode.BILINEAR)
    return out


def policy(batch):
    """(25, 8, 32, 32, 3): every sub-policy on one photograph, by flags and signs.

    The eight are: first operation alone and second alone with sign 1, both with the signs
    (-1, -1), (-1, 1), (1, -1), (1, 1), and each alone with sign -1.
    """
    augment = tv.AutoAugment(tv.AutoAugmentPolicy.CIFAR10)
    rows = []
    for index in range(25):
        row = []
        for flags, signs in POLICY_CASES:
            augment.get_params = fixed_params(index, flags, signs)
            row.append(augment(batch[index % len(batch)]).permute(1, 2, 0).numpy())
        rows.append(row)
    return np.array(rows)


POLICY_CASES = (
    ((1, 0), (1, 1)),
    ((0, 1), (1, 1)),
    ((1, 1), (-1, -1)),
    ((1, 1), (-1, 1)),
    ((1, 1), (1, -1)),
    ((1, 1), (1, 1)),
    ((1, 0), (-1, -1)),
    ((0, 1), (-1, -1)),
)


def fixed_params(index, flags, signs):
    # An operation is applied where its draw is at most its probability; -1 is for the 0.0.
    draws = torch.tensor([-1.0 if flag else 2.0 for flag in flags])
    return lambda count: (index, draws, torch.tensor([int(sign > 0) for sign in signs]))


def crop(batch, box, size):
    return channels_last(F.resized_crop(batch[:2], *box, list(size), antialias=True))


def apply(images, name, size, interpolation=InterpolationMode.NEAREST):
    return channels_last(tv._apply_op(images, name, size, interpolation, None))


def channels_last(images):
    return images.permute(0, 2, 3, 1).contiguous().numpy()


if __name__ == "__main__":
    main(sys.argv[1], Path(__file__).with_name("torchvision_expected.npz"))
