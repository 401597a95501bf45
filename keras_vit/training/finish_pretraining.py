"""The end of a run without labels."""

from keras_vit.data.resizing import resize_images
from keras_vit.files import write_json
from keras_vit.inspection.curves import curves_picture
from keras_vit.inspection.reconstruction import reconstruction_picture
from keras_vit.training.batches import at_model_size
from keras_vit.training.callbacks import read_history
from keras_vit.training.run import circumstances, save_model

SHOWN = 10


def finish_pretraining(recipe, trainer, images, preset, settings, trained, folder):
    """Tests the reconstruction, saves the encoder, draws; `metrics.json` comes last.

    Args:
        recipe: the `Recipe`.
        trainer: the trained `MaskedAutoencoder`.
        images: the run's `RunData`.
        preset: its `MaskedPreset`.
        settings: of the run.
        trained: what `metrics.json` says of the training alone.
        folder: the `RunFolder`.

    Returns:
        The dict of `metrics.json`.
    """
    encoder, data = trainer.encoder, images.data
    print(f"{recipe.name}: testing, saving and drawing")
    metrics = {
        "test_loss": float(trainer.evaluate(at_model_size(encoder, *data.test))),
        "mask_ratio": preset.mask_ratio,
        "parameters": encoder.count_params(),
        "decoder_parameters": trainer.decoder.count_params(),
        **trained,
        **circumstances(settings, data),
    }
    save_model(encoder, folder)
    curves_picture(read_history(folder.history), folder.curves, images.name, "mean squared error")
    first = resize_images(data.x_test[:SHOWN], tuple(encoder.image_shape[:2]))
    reconstruction_picture(trainer, first, folder.reconstruction)
    write_json(folder.metrics, metrics)
    folder.tidy()
    print(
        f"{recipe.name}: error {metrics['test_loss']:.4f} on the hidden patches of "
        f"{len(data.x_test):,} test images after {trained['seconds']:.0f} s of training"
    )
    for file in (folder.curves, folder.reconstruction):
        print(f"{recipe.name}: see {file}")
    print(f"{recipe.name}: go on with recipes/finetune.py {folder.model} --data ...")
    return metrics
