"""CIFAR-100: 50,000 photographs of 32x32 pixels in a hundred classes.

    KERAS_BACKEND=torch python recipes/cifar100.py    59.83 %, 39 minutes on 2 shared CPU cores
    KERAS_BACKEND=torch python recipes/cifar100.py --preset cpu-hour     64.76 %, 50 minutes

The runs are in results/cifar100 and results/cifar100-hour. The presets for a GPU have not been run
here; KunViT exactly as it was published is recipes/reproductions/kun_vit.py.
"""

from dataclasses import replace

from keras_vit.training import Recipe, main
from keras_vit.training.photograph_presets import COMPACT, CPU_10MIN, CPU_HOUR, KUNVIT, ON_GPU

RECIPE = Recipe(
    name="cifar100",
    data="cifar100",
    presets={
        "cpu-30min": replace(
            COMPACT, expect="59.8 % in 39 minutes on 2 shared CPU cores with AVX2, PyTorch"
        ),
        "cpu-10min": CPU_10MIN,
        "cpu-hour": replace(
            CPU_HOUR, expect="64.8 % in 50 minutes on 2 CPU cores with AVX512-BF16"
        ),
        **ON_GPU,
        "kunvit": replace(
            KUNVIT,
            expect="66.54 % as published for it by omihub777 (ViT-CIFAR); not yet run here",
        ),
    },
    on_cpu="cpu-30min",
    on_gpu="kunvit",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
