"""The KerasTuner hypermodel and the searches over it: the only folder that imports keras-tuner."""

from keras_vit.extras import needed_for

with needed_for("A search"):
    import keras_tuner  # noqa: F401

from keras_vit.tuning.budget import forward_flops, parameter_count
from keras_vit.tuning.hypermodel import ViTHyperModel
from keras_vit.tuning.space import Space

__all__ = ["Space", "ViTHyperModel", "forward_flops", "parameter_count"]
