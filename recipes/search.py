"""A search over depth, heads, widths, positions and training, within budgets, by KerasTuner.

    python recipes/search.py --max-parameters 600000 --max-flops 120000000

Stopped at any point, the same command with --resume repeats no finished trial. Many searchers
share one search: start the same command once for each role, with three variables set,

    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=chief     ...
    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=worker-1  ...
    KERASTUNER_ORACLE_IP=127.0.0.1 KERASTUNER_ORACLE_PORT=8000 KERASTUNER_TUNER_ID=worker-2  ...

where the chief hands out the trials, draws the pictures and retrains the winner.
"""

from dataclasses import replace

from keras_vit.training.photograph_presets import COMPACT
from keras_vit.tuning.command_line import main

# With CutMix, so that there is a strength of mixing to search.
BASE = replace(COMPACT, summary="the compact ViT of recipes/cifar10.py, with CutMix", cutmix=0.5)

if __name__ == "__main__":
    main(BASE, __doc__)
