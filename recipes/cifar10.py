"""Train on CIFAR-10, 50,000 photographs of 32x32 pixels in ten classes.

    KERAS_BACKEND=torch python recipes/cifar10.py                           90.3 %, 9 minutes
    KERAS_BACKEND=torch python recipes/cifar10.py --preset hybrid-short     85.3 %, 2 minutes
    KERAS_BACKEND=torch python recipes/cifar10.py --preset compact-short    80.1 %, 9 minutes
    KERAS_BACKEND=torch python recipes/cifar10.py --preset wide             86.65 %, 55 minutes

The times are those of 2 CPU cores that multiply bfloat16. The files of these runs are in
results/cifar10-hybrid, results/cifar10-hybrid-short, results/cifar10-10min and
results/cifar10-hour. The preset hybrid-long and those for a GPU have not been run.
`keras-vit study kun_vit` trains KunViT exactly as it was published.
"""

import dataclasses

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.train import main
from keras_vit.runs import Preset, Recipe

# The front and its training follow Keller Jordan's airbench94_muon.py. The rate of the blocks was
# compared on CIFAR-10 training images that were held out, in short runs that were not kept. The
# number of epochs was chosen for its time only.
HYBRID = Preset(
    summary="a ViT behind a whitened convolutional front, trained with Muon, 4 epochs",
    expect="90.3 % in 9 minutes on 2 CPU cores with AVX512-BF16, PyTorch",
    model_class="ConvViT",
    model={
        "widths": (64, 256, 256),
        "depth": 1,
        "num_heads": 4,
        "mlp_dim": 512,
        "pool": "max",
    },
    epochs=4,
    batch_size=250,
    optimizer="muon",
    optimizer_options={
        "convolution_rate": 100.0,
        "adam_lr_ratio": 4.0,
        "momentum": 0.85,
        "ns_steps": 3,
        "adam_beta_2": 0.99,
    },
    peak_learning_rate=1e-3,
    final_learning_rate=0.0,
    schedule="linear",
    warmup_epochs=0.25,
    weight_decay=0.0,
    label_smoothing=0.2,
    crop_padding=2,
    crop_fill="reflect",
    flip="alternating",
    dtype="auto",
)

HYBRID_SHORT = dataclasses.replace(
    HYBRID,
    summary="the hybrid at half its width, 1.8 epochs",
    expect="85.3 % in 2 minutes on 2 CPU cores with AVX512-BF16, PyTorch",
    model={**HYBRID.model, "widths": (32, 128, 128), "mlp_dim": 256},
    epochs=2,
    steps_per_epoch=180,
    warmup_epochs=0.1,
)

HYBRID_LONG = dataclasses.replace(
    HYBRID,
    summary="the hybrid with two blocks, 24 epochs",
    expect="not yet run",
    model={**HYBRID.model, "depth": 2},
    epochs=24,
    warmup_epochs=1,
)

# The learning rate, the model's size and the batch size were chosen on 5,000 CIFAR-10 training
# images that were held out (results/cifar10-10min/settings.jsonl). The number of epochs was chosen
# for its time only.
COMPACT = Preset(
    summary="a compact ViT with a convolutional stem, trained with Muon, 9 epochs",
    expect="83.7 % in 46 minutes on 2 shared CPU cores with AVX2, PyTorch",
    model={
        "patch_embedding": "stem",
        "patch_size": 4,
        "hidden_dim": 128,
        "depth": 4,
        "num_heads": 4,
        "mlp_dim": 256,
        "relative_positions": "rotary",
        "pool": "mean",
    },
    epochs=9,
    batch_size=128,
    optimizer="muon",
    peak_learning_rate=5e-3,
    final_learning_rate=1e-5,
    warmup_epochs=1,
    weight_decay=0.05,
    label_smoothing=0.1,
    crop_padding=4,
    flip=True,
    dtype="auto",
)

COMPACT_SHORT = dataclasses.replace(
    COMPACT,
    summary="the compact ViT in 5 epochs",
    expect="80.1 % in 9 minutes on 2 CPU cores with AVX512-BF16, PyTorch",
    epochs=5,
)

# In an hour of training, a wider model reaches a higher accuracy. A CPU also does more operations a
# second in the larger matrix products of a wider model.
WIDE = dataclasses.replace(
    COMPACT,
    summary="the compact ViT, half as wide again, with CutMix, 17 epochs",
    expect="86.7 % in 55 minutes on 2 CPU cores with AVX512-BF16, PyTorch",
    model={**COMPACT.model, "hidden_dim": 192, "mlp_dim": 384},
    epochs=17,
    cutmix=0.5,
)

# An epoch may take only half a second on a GPU. The presets for a GPU therefore run several steps
# in one call, and write a checkpoint only every few epochs.
KUNVIT = Preset(
    summary="KunViT's size and schedule with AdamW: 6.3 M parameters, 200 epochs",
    expect="89.87 % as published with it, after 2 h on an RTX A6000; not yet run here",
    model={"patch_size": 4, "hidden_dim": 384, "depth": 7, "num_heads": 12, "mlp_dim": 384},
    epochs=200,
    batch_size=128,
    optimizer="adamw",
    peak_learning_rate=1e-3,
    final_learning_rate=1e-5,
    warmup_epochs=5,
    weight_decay=5e-5,
    label_smoothing=0.1,
    crop_padding=4,
    flip=True,
    auto_augment={"policy": "cifar10"},
    dtype="auto",
    steps_per_execution=13,  # 13 divides the 390 steps of an epoch.
    checkpoint_epochs=20,
)

KUNVIT_6_HEADS = dataclasses.replace(
    KUNVIT,
    summary="KunViT's size and schedule with 6 heads of 64 instead of 12 of 32",
    expect="not yet run",
    model={**KUNVIT.model, "num_heads": 6},
)

# Mixup, CutMix, drop path and weight decay are those of DeiT (arXiv 2012.12877, table 9).
GPU_STEM = Preset(
    summary="a ViT with a convolutional stem, rotary positions and DeiT's training, 300 epochs",
    expect="not yet run",
    model={
        "patch_embedding": "stem",
        "patch_size": 4,
        "hidden_dim": 256,
        "depth": 12,
        "num_heads": 4,
        "mlp_dim": 512,
        "relative_positions": "rotary",
        "pool": "mean",
        "drop_path": 0.1,
    },
    epochs=300,
    batch_size=500,
    optimizer="adamw",
    peak_learning_rate=1e-3,
    final_learning_rate=1e-5,
    warmup_epochs=10,
    weight_decay=0.05,
    label_smoothing=0.1,
    crop_padding=4,
    flip=True,
    auto_augment={"policy": "cifar10"},
    mixup=0.8,
    cutmix=1.0,
    ema_momentum=0.9995,
    dtype="auto",
    steps_per_execution=10,  # 10 divides the 100 steps of an epoch.
    checkpoint_epochs=20,
)

GPU_PLAIN = dataclasses.replace(
    GPU_STEM,
    summary="a plain ViT of KunViT's size, 6 heads, with DeiT's training, 300 epochs",
    model={
        "patch_size": 4,
        "hidden_dim": 384,
        "depth": 7,
        "num_heads": 6,
        "mlp_dim": 384,
        "drop_path": 0.1,
    },
)

GPU_PATCH2 = dataclasses.replace(
    GPU_STEM,
    summary="the ViT with a stem on patches of 2 pixels, 200 epochs",
    model={**GPU_STEM.model, "patch_size": 2},
    epochs=200,
    checkpoint_epochs=5,
)

GPU_QUICK = dataclasses.replace(
    HYBRID,
    summary="the hybrid with two blocks and batches of 500, 60 epochs",
    expect="not yet run",
    model={**HYBRID.model, "depth": 2},
    epochs=60,
    batch_size=500,
    warmup_epochs=2,
    steps_per_execution=10,  # 10 divides the 100 steps of an epoch.
    checkpoint_epochs=20,
)

# A ResNet to compare with, for which --time-limit allows the same time. It is not tuned, and has no
# weight decay, because the package's "sgd" has none.
RESNET18 = Preset(
    summary="ResNet-18 with SGD, crop and flip, 30 epochs: to compare with",
    expect="56.4 % after the 0.94 epochs that --time-limit 10 gives on 2 CPU cores",
    model_class="ResNet",
    model={"depth": 18},
    epochs=30,
    batch_size=128,
    optimizer="sgd",
    beta_1=0.9,
    peak_learning_rate=0.1,
    final_learning_rate=0.0,
    warmup_epochs=1,
    weight_decay=0.0,
    label_smoothing=0.0,
    crop_padding=4,
    flip=True,
    dtype="auto",
)

RECIPE = Recipe(
    name="cifar10",
    data="cifar10",
    presets={
        "hybrid": HYBRID,
        "hybrid-short": HYBRID_SHORT,
        "hybrid-long": HYBRID_LONG,
        "compact": COMPACT,
        "compact-short": COMPACT_SHORT,
        "wide": WIDE,
        "kunvit": KUNVIT,
        "kunvit-6-heads": KUNVIT_6_HEADS,
        "gpu-plain": GPU_PLAIN,
        "gpu-stem": GPU_STEM,
        "gpu-patch2": GPU_PATCH2,
        "gpu-quick": GPU_QUICK,
        "resnet18": RESNET18,
    },
    on_cpu="hybrid",
    on_gpu="kunvit",
)

if __name__ == "__main__":
    main(RECIPE, __doc__)
