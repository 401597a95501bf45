"""Published checkpoints in and out."""

from keras_vit.weights.config_file import IMAGENET, rescaling_of
from keras_vit.weights.loading import LeftOutWarning, load_checkpoint

__all__ = ["IMAGENET", "LeftOutWarning", "load_checkpoint", "rescaling_of"]
