"""The scanned digits inside scikit-learn: 1,797 images of 8x8 pixels, nothing to download.

python recipes/digits.py
"""

from keras_vit.training import Preset, Recipe, main

RECIPE = Recipe(
    name="digits",
    data="digits",
    presets={
        "default": Preset(
            summary="a ViT of 16 patches of 2x2 pixels, 60 epochs",
            expect="about a minute on 2 CPU cores",
            epochs=60,
            batch_size=64,
            peak_learning_rate=2e-3,
            weight_decay=0.05,
            label_smoothing=0.1,
            crop_padding=1,
            model={
                "patch_size": 2,
                "hidden_dim": 64,
                "depth": 4,
                "num_heads": 4,
                "mlp_dim": 128,
            },
        ),
    },
    on_cpu="default",
    on_gpu="default",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
