"""The end of a run without labels: test the reconstruction, save the encoder, draw."""

import keras

from keras_vit.data.resizing import resize_images
from keras_vit.files import write_json
from keras_vit.report.curves import curves_picture
from keras_vit.report.reconstruction_picture import reconstruction_picture
from keras_vit.runs.finish_classifier import circumstances, save_model
from keras_vit.runs.folder import RunFolder
from keras_vit.runs.history import read_history
from keras_vit.runs.images import RunImages
from keras_vit.runs.spec import RunSpec
from keras_vit.train.batches import at_model_size

SHOWN = 10  # test images in the picture of the reconstruction


def finish_pretraining(
    spec: RunSpec, folder: RunFolder, images: RunImages, trainer: keras.Model, facts: dict
) -> dict:
    """Test the masked autoencoder, save its encoder, and draw; `metrics.json` comes last.

    Args:
        spec: the run's specification, with a `MaskedPreset`.
        folder: the run's folder.
        images: the run's images.
        trainer: the trained `MaskedAutoencoder`.
        facts: dict, what `metrics.json` says of the training.

    Returns:
        The dict of `metrics.json`.
    """
    data, encoder = images.data, trainer.encoder
    print(f"{spec.recipe}: testing, saving and drawing")
    metrics = {
        "test_loss": float(trainer.evaluate(at_model_size(encoder, *data.test))),
        "mask_ratio": spec.preset.mask_ratio,
        "parameters": encoder.count_params(),
        "decoder_parameters": trainer.decoder.count_params(),
        **facts,
        **circumstances(spec, data),
    }
    save_model(encoder, folder)
    rows, name = read_history(folder.history), images.validation_name
    curves_picture(rows, folder.curves, name, "mean squared error")
    first = resize_images(data.x_test[:SHOWN], tuple(encoder.image_shape[:2]))
    reconstruction_picture(trainer, first, folder.reconstruction)
    write_json(folder.metrics, metrics)
    folder.tidy()
    print(
        f"{spec.recipe}: error {metrics['test_loss']:.4f} on the hidden patches of "
        f"{len(data.x_test):,} test images after {facts['seconds']:.0f} s of training"
    )
    for file in (folder.curves, folder.reconstruction):
        print(f"{spec.recipe}: see {file}")
    print(f"{spec.recipe}: go on with keras-vit finetune {folder.model} --data ...")
    return metrics
