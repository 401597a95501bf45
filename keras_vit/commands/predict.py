"""the likeliest classes of pictures, with their probabilities"""

from pathlib import Path

import numpy as np

from keras_vit.commands.output import refuse_existing
from keras_vit.inspection.classifier import Classifier
from keras_vit.inspection.overlays import attention_layers_picture
from keras_vit.weights.model_file import load_model

TOP = 5


def add_arguments(parser):
    parser.add_argument("images", metavar="IMAGE", nargs="+", help="PNG, JPEG, WebP or BMP files")
    parser.add_argument(
        "--attention",
        metavar="FILE.png",
        type=Path,
        help="draw what each block attends to, laid over the pictures",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE.png")


def run(flags):
    if flags.attention is not None:
        check_picture(flags.attention, flags)
    classifier = Classifier(load_model(flags.model))
    # All are read before the first is told, so that a bad one does not end a half-told list.
    pictures = [classifier.read(path) for path in flags.images]
    images = [image for image, _ in pictures]
    if classifier.image_size is None:  # each has its own size then
        probabilities = [classifier.probabilities(image[np.newaxis])[0] for image in images]
    else:
        probabilities = classifier.probabilities(np.stack(images))
    if flags.attention is not None:
        draw_attention(classifier, images, flags.attention)
    for path, (image, size), row in zip(flags.images, pictures, probabilities, strict=True):
        print(f"{path}{note(size, image.shape[:2])}")
        for name, probability in classifier.top(row, TOP):
            print(f"  {probability:7.2%}  {name}")
    if flags.attention is not None:
        print(f"see {flags.attention}")


def check_picture(picture, flags):
    """A ValueError where the picture that is to be drawn can't be, or would replace another."""
    if picture.suffix != ".png":
        raise ValueError(f"--attention {picture}: the file's name must end with .png")
    if any(picture.resolve() == Path(path).resolve() for path in flags.images):
        raise ValueError(f"--attention {picture} is one of the pictures to look at")
    refuse_existing(picture, flags.overwrite)


def note(before, after):
    if before == after:
        return ""
    (h, w), (height, width) = before, after
    return f" ({w}x{h} pixels, scaled and cropped to {width}x{height})"


def draw_attention(classifier, images, path):
    if not classifier.has_attention:
        raise ValueError("the model has no attention blocks to look into; leave --attention out")
    attention_layers_picture(classifier.model, np.stack(images), None, path)
