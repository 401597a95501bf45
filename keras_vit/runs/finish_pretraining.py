"""The end of a run without labels: test the reconstruction, save the encoder, draw."""

from typing import TYPE_CHECKING

from keras_vit.data.resizing import resize_images
from keras_vit.files import write_json
from keras_vit.report.curves import curves_picture
from keras_vit.report.reconstruction_picture import reconstruction_picture
from keras_vit.runs.finish_classifier import circumstances, save_model
from keras_vit.runs.history import read_history
from keras_vit.train.batches import at_model_size

if TYPE_CHECKING:
    from keras_vit.runs.run import Run

SHOWN = 10  # test images in the picture of the reconstruction


def finish_pretraining(run: "Run") -> dict:
    """Test the masked autoencoder, save its encoder, and draw; `metrics.json` comes last.

    Args:
        run: the `Run` whose trainer is a `MaskedAutoencoder`.

    Returns:
        The dict of `metrics.json`.
    """
    spec, folder, data, trainer = run.spec, run.folder, run.images.data, run.trainer
    encoder = trainer.encoder
    print(f"{spec.recipe}: testing, saving and drawing")
    metrics = {
        "test_loss": float(trainer.evaluate(at_model_size(encoder, *data.test))),
        "mask_ratio": spec.preset.mask_ratio,
        "parameters": encoder.count_params(),
        "decoder_parameters": trainer.decoder.count_params(),
        **run.facts,
        **circumstances(spec, data),
    }
    save_model(encoder, folder)
    rows, name = read_history(folder.history), run.images.validation_name
    curves_picture(rows, folder.curves, name, "mean squared error")
    first = resize_images(data.x_test[:SHOWN], tuple(encoder.image_shape[:2]))
    reconstruction_picture(trainer, first, folder.reconstruction)
    write_json(folder.metrics, metrics)
    folder.tidy()
    print(
        f"{spec.recipe}: error {metrics['test_loss']:.4f} on the hidden patches of "
        f"{len(data.x_test):,} test images after {run.facts['seconds']:.0f} s of training"
    )
    for file in (folder.curves, folder.reconstruction):
        print(f"{spec.recipe}: see {file}")
    print(f"{spec.recipe}: go on with keras-vit finetune {folder.model} --data ...")
    return metrics
