"""A search over depth, heads, widths, positions and training, within budgets, by KerasTuner.

    python recipes/search.py --max-parameters 600000 --max-flops 120000000

Stopped at any point, the same command with --resume repeats no finished trial. Many searchers
share one search: start the same command once for each role, with three variables set,

    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=chief     ...
    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=worker-1  ...
    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=worker-2  ...

where the chief hands out the trials, draws the pictures and retrains the winner.
"""

from keras_vit.training import Preset
from keras_vit.tuning.command_line import main

BASE = Preset(
    summary="the compact ViT of recipes/cifar10.py",
    expect="nothing measured",
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
)

if __name__ == "__main__":
    main(BASE, __doc__)
