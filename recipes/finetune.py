"""Fine-tuning: a trained model goes on with your own images.

    python recipes/finetune.py saved_models/cifar100 --data photos/
    python recipes/finetune.py ViT-B_16.npz --data photos/ --image-size 384
    python recipes/finetune.py saved_models/cifar100 --data photos/ --linear-probe

CHECKPOINT is a .keras file of a ViT or HybridViT, a run's folder, or a published file. It gets a
new head, which starts at zero, unless it knows the same classes. Images of any sizes are brought
to --image-size, or to the checkpoint's own: in training by random crops and flips inside the
step. A folder of more than 2 GiB of pixels is read from its files as they are needed.
"""

import dataclasses

import keras_vit_backend  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.train import main
from keras_vit.runs import Preset, Recipe

ADAMW = Preset(
    summary="all layers, AdamW, a lower rate for every lower layer",
    expect="a step costs what one of training from scratch does",
    epochs=20,
    batch_size=64,
    peak_learning_rate=5e-4,
    final_learning_rate=1e-6,
    warmup_epochs=2,
    layer_decay=0.75,
    clip_norm=1.0,
    crop_scale=(0.35, 1.0),
    flip=True,
    model={"drop_path": 0.1},
)

RECIPE = Recipe(
    name="finetune",
    data=None,
    fine_tunes=True,
    presets={
        "adamw": ADAMW,
        "sgd": Preset(
            summary="all layers, as the ViT paper: SGD with momentum, batch 512, norm 1 at most",
            expect="the published way; the paper tried rates of 0.001 to 0.06 on held-out images",
            epochs=20,
            batch_size=512,
            optimizer="sgd",
            peak_learning_rate=0.01,
            final_learning_rate=0.0,
            warmup_epochs=1,
            weight_decay=0.0,
            label_smoothing=0.0,
            clip_norm=1.0,
            crop_scale=(0.35, 1.0),
            flip=True,
        ),
        "lora": dataclasses.replace(
            ADAMW,
            summary="low-rank factors in the attention, and the head",
            expect="optimizer state for a few per cent of the parameters",
            layer_decay=1.0,
            peak_learning_rate=2e-3,
            weight_decay=0.0,
            lora_rank=8,
            model={},
        ),
        "frozen": dataclasses.replace(
            ADAMW,
            summary="the head alone, on augmented images",
            expect="the features stay as they are",
            layer_decay=1.0,
            peak_learning_rate=5e-3,
            weight_decay=0.0,
            frozen=True,
            model={},
        ),
        "linear-probe": Preset(
            summary="the head alone, by logistic regression on features computed once",
            expect="one pass over the images, then a fit on their features",
            epochs=1,
            linear_probe=True,
            crop_scale=(0.35, 1.0),
        ),
    },
    on_cpu="adamw",
    on_gpu="adamw",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
