"""Loading of labelled image data sets, from a name, a file or a folder, as uint8 arrays."""

from keras_vit.data.image_data import ImageData
from keras_vit.data.image_files import UnreadableImagesWarning
from keras_vit.data.image_folder import PassedOverWarning
from keras_vit.data.image_stream import StreamedImages
from keras_vit.data.loading import load_data
from keras_vit.data.splitting import train_validation_split
from keras_vit.data.tfds import DataUnavailableError

__all__ = [
    "DataUnavailableError",
    "ImageData",
    "PassedOverWarning",
    "StreamedImages",
    "UnreadableImagesWarning",
    "load_data",
    "train_validation_split",
]
