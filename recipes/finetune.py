"""Fine-tune a trained model on your own images.

    python recipes/finetune.py saved_models/cifar100 --data photos/
    python recipes/finetune.py ViT-B_16.npz --data photos/ --image-size 384
    python recipes/finetune.py saved_models/cifar100 --data photos/ --linear-probe

CHECKPOINT is a .keras file of a ViT or HybridViT, a run's folder, or a published file. The model
gets a new head, which starts at zero, unless its classes are those of your images. Images of any
size are resized to --image-size, or to the image size of the checkpoint. In training, the images
are cropped and flipped at random inside the step. If the pixels of a folder need more than 2 GiB,
the images are read from their files as they are needed.
"""

import dataclasses

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.train import main
from keras_vit.runs import Preset, Recipe

ADAMW = Preset(
    summary="all layers, with AdamW and a lower learning rate for each lower layer",
    expect="a step takes as long as a step of training from scratch",
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
            summary="all layers, as in the ViT paper: SGD with momentum, batch 512, norm at most 1",
            expect="the published method; the paper tried rates from 0.001 to 0.06",
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
            summary="only low-rank factors in the attention, and the head",
            expect="the optimizer has a state for only a few per cent of the parameters",
            layer_decay=1.0,
            peak_learning_rate=2e-3,
            weight_decay=0.0,
            lora_rank=8,
            model={},
        ),
        "frozen": dataclasses.replace(
            ADAMW,
            summary="only the head, on augmented images",
            expect="the features do not change",
            layer_decay=1.0,
            peak_learning_rate=5e-3,
            weight_decay=0.0,
            frozen=True,
            model={},
        ),
        "linear-probe": Preset(
            summary="only the head, by logistic regression on features that are computed once",
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
