import numpy as np
import pytest
from keras import ops

from keras_vit import MaskedAutoencoder, Patches, ViT
from keras_vit.inspection import reconstruction
from keras_vit.inspection.reconstruction import as_images, as_patches
from tests.report.test_pictures import drawn_whole

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3)).astype("uint8")
SIZES = {"hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16}
DECODER = {"decoder_dim": 8, "decoder_depth": 1, "decoder_heads": 2}
SCALES = [(1 / 127.5, -1.0), ((0.01, 0.02, 0.03), (-1.0, -0.5, 0.0))]


def model(rescaling=SCALES[0], **arguments):
    vit = ViT((8, 12, 3), (2, 4), num_classes=0, rescaling=rescaling, **SIZES)
    return MaskedAutoencoder(vit, **DECODER, **arguments)


def test_patches_are_those_of_the_layer_and_images_come_back():
    patches = as_patches(IMAGES, (2, 4))
    np.testing.assert_array_equal(patches, ops.convert_to_numpy(Patches((2, 4))(IMAGES)))
    np.testing.assert_array_equal(as_images(patches, IMAGES.shape, (2, 4)), IMAGES)


@pytest.mark.backends
@pytest.mark.parametrize("rescaling", SCALES)
@pytest.mark.parametrize("normalized", [True, False])
def test_a_perfect_prediction_gives_the_images_back(monkeypatch, rescaling, normalized):
    autoencoder = model(rescaling, normalize_targets=normalized)
    _, target, mask = autoencoder(IMAGES, training=False)
    monkeypatch.setattr(autoencoder.decoder, "call", lambda *_, **__: target)
    shown = reconstruction(autoencoder, IMAGES)
    np.testing.assert_allclose(shown.predicted, IMAGES, atol=0.05)
    hidden = np.repeat(np.repeat(ops.convert_to_numpy(mask).reshape(3, 4, 3), 2, 1), 4, 2) == 1
    np.testing.assert_array_equal(shown.hidden, hidden)
    np.testing.assert_array_equal(shown.masked, np.where(hidden[..., None], 128, IMAGES))


def test_what_is_visible_stays_and_what_is_hidden_is_predicted_within_the_bytes():
    shown = reconstruction(model(), IMAGES)
    np.testing.assert_array_equal(shown.predicted[~shown.hidden], IMAGES[~shown.hidden])
    assert (shown.predicted[shown.hidden] != IMAGES[shown.hidden]).mean() > 0.9
    assert 0 <= shown.predicted.min() <= shown.predicted.max() <= 255
    assert shown.hidden.mean() == 0.75


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_is_drawn(tmp_path, channels):
    from keras_vit.report.reconstruction_picture import reconstruction_picture

    vit = ViT((8, 12, channels), (2, 4), num_classes=0, **SIZES)
    images = IMAGES[..., :channels]
    reconstruction_picture(MaskedAutoencoder(vit, **DECODER), images, tmp_path / "shown.png")
    assert drawn_whole(tmp_path / "shown.png")


def test_other_models_and_images_are_refused():
    with pytest.raises(ValueError, match="must be a MaskedAutoencoder"):
        reconstruction(ViT((8, 12, 3), (2, 4), **SIZES), IMAGES)
    with pytest.raises(ValueError, match=r"\(B, 8, 12, 3\)"):
        reconstruction(model(), IMAGES[:, :4])
