"""Functions that show what a model computes, as arrays; `keras_vit.report` draws them."""

from keras_vit.inspection.attention import attention_maps, iter_attention_maps
from keras_vit.inspection.attention_mass import attention_mass
from keras_vit.inspection.calibration import calibration
from keras_vit.inspection.distance import attention_distance
from keras_vit.inspection.filters import filter_components
from keras_vit.inspection.mistakes import confident_mistakes, confusion_matrix, worst_confusions
from keras_vit.inspection.patch_attention import patch_attention
from keras_vit.inspection.positions import position_similarity
from keras_vit.inspection.reconstruction import Reconstruction, reconstruction
from keras_vit.inspection.relevance import attention_relevance
from keras_vit.inspection.rollout import attention_rollout

__all__ = [
    "Reconstruction",
    "attention_distance",
    "attention_maps",
    "attention_mass",
    "attention_relevance",
    "attention_rollout",
    "calibration",
    "confident_mistakes",
    "confusion_matrix",
    "filter_components",
    "iter_attention_maps",
    "patch_attention",
    "position_similarity",
    "reconstruction",
    "worst_confusions",
]
