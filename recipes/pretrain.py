"""Pretrain a ViT without labels, as a masked autoencoder (MAE, arXiv 2111.06377).

    python recipes/pretrain.py --data cifar10 --out saved_models/pretrained
    python recipes/finetune.py saved_models/pretrained --data cifar10 --limit 5000

Three quarters of each image's patches are hidden, and the model learns to predict them from the
other patches. The file model.keras holds only the encoder, an ordinary ViT without a head. As for
all recipes, a folder of images must contain class folders, but the classes are not used.
"""

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.train import main
from keras_vit.runs import MaskedPreset, Recipe

RECIPE = Recipe(
    name="pretrain",
    data="cifar10",
    presets={
        "compact": MaskedPreset(
            summary="a compact ViT, 64 tokens for 4x4 pixels each, 12 epochs",
            expect="about 1,050 images for each CPU second; no whole run yet",
            epochs=12,
            peak_learning_rate=1.5e-3,
            warmup_epochs=1,
            crop_scale=(0.5, 1.0),
            flip=True,
            model={"hidden_dim": 128, "depth": 4, "num_heads": 4, "mlp_dim": 256, "pool": "mean"},
            decoder_dim=64,
            decoder_depth=1,
        ),
        "digits": MaskedPreset(
            summary="a small ViT, 16 tokens for 2x2 pixels each, 100 epochs",
            expect="a few minutes on 2 CPU cores",
            epochs=100,
            data="digits",
            batch_size=64,
            peak_learning_rate=2e-3,
            crop_padding=1,
            model={
                "patch_size": 2,
                "hidden_dim": 64,
                "depth": 4,
                "num_heads": 4,
                "mlp_dim": 128,
                "pool": "mean",
            },
            decoder_dim=32,
            decoder_depth=1,
        ),
        "kunvit": MaskedPreset(
            summary="KunViT's size, 400 epochs",
            expect="hours on a GPU; not yet run here",
            epochs=400,
            batch_size=512,
            peak_learning_rate=1e-3,
            warmup_epochs=20,
            crop_scale=(0.2, 1.0),
            flip=True,
            model={"pool": "mean"},
        ),
    },
    on_cpu="compact",
    on_gpu="kunvit",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
