"""Train on the scanned digits of scikit-learn, 1,797 images of 8x8 pixels without a download.

    python recipes/digits.py      98.61 % of 359 test images, 87 s on 2 shared CPU cores

The files of this run are in results/digits.
"""

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.train import main
from keras_vit.runs import Preset, Recipe

RECIPE = Recipe(
    name="digits",
    data="digits",
    presets={
        "small": Preset(
            summary="a small ViT, 16 tokens for 2x2 pixels each, 100 epochs",
            expect="98.6 % in a minute and a half on 2 CPU cores",
            epochs=100,
            batch_size=64,
            peak_learning_rate=2e-3,
            weight_decay=0.05,
            label_smoothing=0.1,
            mixup=0.4,
            model={
                "patch_size": 2,
                "hidden_dim": 64,
                "depth": 4,
                "num_heads": 4,
                "mlp_dim": 128,
                "patch_embedding": "stem",
            },
        ),
    },
    on_cpu="small",
    on_gpu="small",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
