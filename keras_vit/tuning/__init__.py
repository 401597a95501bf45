"""The KerasTuner hypermodel, and searches over it. Needs keras-tuner, which only this imports."""

from keras_vit.tuning.budget import forward_flops, parameter_count
from keras_vit.tuning.hypermodel import ViTHyperModel
from keras_vit.tuning.space import Space

__all__ = ["Space", "ViTHyperModel", "forward_flops", "parameter_count"]
