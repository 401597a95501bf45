"""The KerasTuner hypermodel and the searches over it: the only folder that imports keras-tuner."""

import importlib.util

if importlib.util.find_spec("keras_tuner") is None:
    raise ModuleNotFoundError("keras_vit.tuning needs keras-tuner: pip install 'keras-vit[tuner]'")

from keras_vit.tuning.budget import forward_flops, parameter_count
from keras_vit.tuning.hypermodel import ViTHyperModel
from keras_vit.tuning.space import Space

__all__ = ["Space", "ViTHyperModel", "forward_flops", "parameter_count"]
