"""Augmentation as Keras layers that draw for each image and compile on every backend.

Shapes in the docstrings use these letters: B images in a batch, H×W pixels, C channels. Arguments
that are tensors have no type hint, because the type of a tensor depends on Keras's backend.
"""

from keras_vit.augment.auto_augment import AutoAugment
from keras_vit.augment.mixing import Mixing
from keras_vit.augment.random_affine import RandomAffine
from keras_vit.augment.random_crop import RandomCrop
from keras_vit.augment.random_resized_crop import RandomResizedCrop

__all__ = ["AutoAugment", "Mixing", "RandomAffine", "RandomCrop", "RandomResizedCrop"]
