"""Augmentation as Keras layers: a draw of its own for each image, compiled on every backend."""

from keras_vit.augment.auto_augment import AutoAugment
from keras_vit.augment.mixing import Mixing
from keras_vit.augment.random_affine import RandomAffine
from keras_vit.augment.random_crop import RandomCrop
from keras_vit.augment.random_resized_crop import RandomResizedCrop

__all__ = ["AutoAugment", "Mixing", "RandomAffine", "RandomCrop", "RandomResizedCrop"]
