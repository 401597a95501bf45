"""Search for a ViT within budgets, over depth, heads, widths, positions and training.

    python recipes/search.py --max-parameters 600000 --max-flops 120000000

KerasTuner proposes the trials. A search can be stopped at any point; the same command with --resume
continues it and repeats no finished trial. Several processes can share a search. For that, start
the same command once for each process, with three environment variables:

    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=chief     ...
    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=worker-1  ...
    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=worker-2  ...

The chief hands out the trials, draws the pictures and trains the winner fully.
"""

import keras_vit_start  # noqa: F401  chooses the backend; must come before Keras is imported
from keras_vit.commands.search import main
from keras_vit.runs import Preset

# The compact ViT of recipes/cifar10.py with CutMix, so that the search has a strength of CutMix to
# vary.
BASE = Preset(
    summary="a compact ViT with a convolutional stem, trained with Muon and CutMix, 9 epochs",
    expect="not yet run",
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
    cutmix=0.5,
    dtype="auto",
)

if __name__ == "__main__":
    main(BASE, __doc__)
