"""Three ways to tell a ViT where its patches are, on CIFAR-10.

    python recipes/reproductions/position_study.py --all                      the whole study
    python recipes/reproductions/position_study.py --variant sincos-conv      one of it

The study of github.com/SkiddieAhn/Code-Vision-Transformer: learned positions, fixed sinusoids,
and fixed ones with patches by convolution. Its models as coded, without output projection in the
attention; Adam at a constant 1e-3 with an L2 penalty, 50 epochs. It kept the epoch of the lowest
*test* loss from the twelfth on; here 5,000 training images choose it, so 45,000 train.
"""

import dataclasses

from keras_vit.training import Preset, Recipe, main

LEARNED = Preset(
    summary="learned positions, 50 epochs",
    expect="75.03 % as published",
    epochs=50,
    model_class="PositionStudyViT",
    validation_images=5_000,
    best_epoch_from=12,
    batch_size=256,
    optimizer="adam_l2",
    weight_decay=5e-5,
    schedule="constant",
    peak_learning_rate=1e-3,
    label_smoothing=0.0,
    crop_padding=4,
    flip=True,
)

RECIPE = Recipe(
    name="position_study",
    data="cifar10",
    study=True,
    presets={
        "learned": LEARNED,
        "sincos": dataclasses.replace(
            LEARNED,
            summary="fixed sinusoid positions, 50 epochs",
            expect="76.05 % as published",
            model={"positions": "sincos1d"},
        ),
        "sincos-conv": dataclasses.replace(
            LEARNED,
            summary="fixed positions and patches by convolution, 50 epochs",
            expect="78.55 % as published",
            model={"positions": "sincos1d", "convolution": True},
        ),
    },
    on_cpu="sincos-conv",
    on_gpu="sincos-conv",
)

FORM = "as coded (no output projection); epoch not chosen on test images"
# In percent, with the decimals that were published.
PUBLISHED = {
    "learned": {"test": "75.03"},
    "sincos": {"test": "76.05"},
    "sincos-conv": {"test": "78.55"},
}

if __name__ == "__main__":
    main(RECIPE, __doc__)
