"""CIFAR-10: 50,000 photographs of 32x32 pixels in ten classes.

    KERAS_BACKEND=torch python recipes/cifar10.py    83.69 %, 46 minutes on 2 shared CPU cores
    KERAS_BACKEND=torch python recipes/cifar10.py --preset cpu-10min    80.1 %, 9 minutes
    KERAS_BACKEND=torch python recipes/cifar10.py --preset cpu-hour     86.65 %, 55 minutes

The runs are in results/cifar10, results/cifar10-10min and results/cifar10-hour. The presets for a
GPU have not been run here; KunViT exactly as it was published is recipes/reproductions/kun_vit.py.
"""

from dataclasses import replace

from keras_vit.training import Recipe, main
from keras_vit.training.photograph_presets import (
    COMPACT,
    CPU_10MIN,
    CPU_HOUR,
    KUNVIT,
    ON_GPU,
    RESNET18,
)

RECIPE = Recipe(
    name="cifar10",
    data="cifar10",
    presets={
        "cpu-30min": replace(
            COMPACT, expect="83.7 % in 46 minutes on 2 shared CPU cores with AVX2, PyTorch"
        ),
        "cpu-10min": replace(
            CPU_10MIN, expect="80.1 % in 9 minutes on 2 CPU cores with AVX512-BF16"
        ),
        "cpu-hour": replace(
            CPU_HOUR, expect="86.7 % in 55 minutes on 2 CPU cores with AVX512-BF16"
        ),
        **ON_GPU,
        "kunvit": replace(
            KUNVIT,
            expect="89.87 % as published with it, after 2 h on an RTX A6000; not yet run here",
        ),
        "resnet18": RESNET18,
    },
    on_cpu="cpu-30min",
    on_gpu="kunvit",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
