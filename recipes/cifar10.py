"""CIFAR-10: 50,000 photographs of 32x32 pixels in ten classes.

    python recipes/cifar10.py     73.98 %, 29 minutes on 2 shared CPU cores

The run is in results/cifar10. The preset for a GPU has not been run here;
KunViT exactly as it was published is recipes/reproductions/kun_vit.py.
"""

from keras_vit.training import Preset, Recipe, main

RECIPE = Recipe(
    name="cifar10",
    data="cifar10",
    presets={
        "cpu-30min": Preset(
            summary="a compact ViT with a convolutional stem, 12 epochs",
            expect="74.0 % in about 29 minutes on 2 shared CPU cores",
            epochs=12,
            peak_learning_rate=2e-3,
            warmup_epochs=1,
            label_smoothing=0.1,
            crop_padding=4,
            flip=True,
            cutmix=0.5,
            model={
                "hidden_dim": 128,
                "depth": 4,
                "num_heads": 4,
                "mlp_dim": 256,
                "patch_embedding": "stem",
                "relative_positions": "rotary",
                "pool": "mean",
            },
        ),
        "kunvit": Preset(
            summary="KunViT's size and schedule with AdamW: 6.3 M parameters, 200 epochs",
            expect="89.87 % as published with it, after 2 h on an RTX A6000; not yet run here",
            epochs=200,
            crop_padding=4,
            flip=True,
            auto_augment={"policy": "cifar10"},
            weight_decay=5e-5,
        ),
    },
    on_cpu="cpu-30min",
    on_gpu="kunvit",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
