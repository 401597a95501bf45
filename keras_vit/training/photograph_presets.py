"""Presets for small photographs, 32x32 in ten or a hundred classes, that several recipes share.

Those for a GPU have at most 7 million parameters. They take whole groups of steps in one call,
and a checkpoint every tenth epoch or so: an epoch may be over in half a second.
"""

import dataclasses

from keras_vit.training.preset import Preset

NOT_RUN = "not yet run"

# Rate, size and batch are of results/cifar10-10min/settings.jsonl, the epochs of time alone.
COMPACT = Preset(
    summary="a compact ViT with a convolutional stem, Muon, 9 epochs",
    expect=NOT_RUN,
    epochs=9,
    optimizer="muon",
    peak_learning_rate=5e-3,
    warmup_epochs=1,
    crop_padding=4,
    flip=True,
    dtype="auto",
    model={
        "hidden_dim": 128,
        "depth": 4,
        "num_heads": 4,
        "mlp_dim": 256,
        "patch_embedding": "stem",
        "relative_positions": "rotary",
        "pool": "mean",
    },
)

# Its epochs are for PyTorch on a CPU with AVX512-BF16, as those of the next.
CPU_10MIN = dataclasses.replace(
    COMPACT, summary="the same in 5 epochs: for PyTorch on a CPU", epochs=5
)

# An hour is worth a wider model, whose products a CPU also takes at a higher rate.
CPU_HOUR = dataclasses.replace(
    COMPACT,
    summary="a wider one with Muon and CutMix, 17 epochs: for PyTorch on a CPU",
    epochs=17,
    cutmix=0.5,
    model={**COMPACT.model, "hidden_dim": 192, "mlp_dim": 384},
)

# To compare with at the same wall clock, by `--time-limit`. Not tuned, and
# without weight decay, which our "sgd" has not.
RESNET18 = Preset(
    summary="ResNet-18 with SGD, crop and flip, 30 epochs: to compare with",
    expect="56.4 % after the 0.94 epochs that --time-limit 10 gives on 2 CPU cores",
    epochs=30,
    model_class="ResNet",
    model={"depth": 18},
    optimizer="sgd",
    peak_learning_rate=0.1,
    final_learning_rate=0.0,
    warmup_epochs=1,
    weight_decay=0.0,
    label_smoothing=0.0,
    crop_padding=4,
    flip=True,
    dtype="auto",
)

KUNVIT = Preset(
    summary="KunViT's size and schedule with AdamW: 6.3 M parameters, 200 epochs",
    expect=NOT_RUN,
    epochs=200,
    crop_padding=4,
    flip=True,
    auto_augment={"policy": "cifar10"},
    weight_decay=5e-5,
    dtype="auto",
    steps_per_execution=13,  # of the 390 of an epoch
    checkpoint_epochs=20,
)

# Mixing, drop path and decay are DeiT's (arXiv 2012.12877, Table 9).
PLAIN = dataclasses.replace(
    KUNVIT,
    summary="KunViT's size, 6 heads, with DeiT's training: 300 epochs",
    epochs=300,
    batch_size=500,
    steps_per_execution=10,  # of 100
    weight_decay=0.05,
    warmup_epochs=10,
    mixup=0.8,
    cutmix=1.0,
    ema_momentum=0.9995,
    model={"num_heads": 6, "drop_path": 0.1},
)

STEM = dataclasses.replace(
    PLAIN,
    summary="with a convolutional stem, rotary positions and mean pooling: 300 epochs",
    model={
        "hidden_dim": 256,
        "depth": 12,
        "num_heads": 4,
        "mlp_dim": 512,
        "patch_embedding": "stem",
        "relative_positions": "rotary",
        "pool": "mean",
        "drop_path": 0.1,
    },
)

PATCH2 = dataclasses.replace(
    STEM,
    summary="the same with patches of 2 pixels: 200 epochs",
    epochs=200,
    checkpoint_epochs=5,
    model={**STEM.model, "patch_size": 2},
)

QUICK = dataclasses.replace(
    STEM,
    summary="the same in 80 epochs, for 94 % as soon as can be",
    epochs=80,
    peak_learning_rate=2e-3,
    mixup=0.0,
    ema_momentum=0.999,
    model={**STEM.model, "drop_path": 0.0},
)

ON_GPU = {
    "kunvit": KUNVIT,
    "kunvit-6-heads": dataclasses.replace(
        KUNVIT,
        summary="the same with 6 heads of 64 instead of 12 of 32",
        model={"num_heads": 6},
    ),
    "gpu-plain": PLAIN,
    "gpu-stem": STEM,
    "gpu-patch2": PATCH2,
    "gpu-quick": QUICK,
}
