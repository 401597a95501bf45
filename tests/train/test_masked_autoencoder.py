import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import HybridViT, MaskedAutoencoder, RandomResizedCrop, ViT
from tests.few_steps import JIT_COMPILE
from tests.helpers import every_weight_learns, outputs_of

pytestmark = [pytest.mark.backends, pytest.mark.medium]

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 8, 12, 3)).astype("uint8")
SMALL = {
    "image_shape": (8, 12, 3),
    "patch_size": (2, 4),
    "num_classes": 0,
    "hidden_dim": 16,
    "depth": 2,
    "num_heads": 2,
    "mlp_dim": 24,
}
DECODER = {"decoder_dim": 8, "decoder_depth": 1, "decoder_heads": 2}


def small(encoder=(), **arguments):
    return MaskedAutoencoder(ViT(**{**SMALL, **dict(encoder)}), **{**DECODER, **arguments})


def numpy_patches(images):
    """Patches of 2x4 pixels, cut by hand."""
    rows = [images[:, i : i + 2, j : j + 4] for i in range(0, 8, 2) for j in range(0, 12, 4)]
    return np.stack([part.reshape(len(images), -1) for part in rows], axis=1)


def numpy_targets(images):
    patches = numpy_patches(images / 127.5 - 1)
    mean, variance = patches.mean(-1, keepdims=True), patches.var(-1, ddof=1, keepdims=True)
    return (patches - mean) / np.sqrt(variance + 1e-6)


def test_the_loss_is_that_of_numpy_on_the_hidden_patches_alone():
    model = small(decoder_depth=2)
    model.compile("sgd")
    prediction, target, mask = outputs_of(model, IMAGES)
    np.testing.assert_allclose(target, numpy_targets(IMAGES), atol=2e-5)
    errors = np.mean((prediction - numpy_targets(IMAGES)) ** 2, axis=-1)
    expected = errors[mask == 1].mean()
    np.testing.assert_allclose(model.evaluate(IMAGES, verbose=0), expected, rtol=1e-5)
    changed = prediction + 10 * (1 - mask)[..., None]
    loss = model.compute_loss(y_pred=(changed, target, mask))
    np.testing.assert_allclose(float(ops.convert_to_numpy(loss)), expected, rtol=1e-5)


def test_a_crop_brings_images_of_another_size_to_the_encoders():
    model = small(augment=[RandomResizedCrop(8, 12)])
    model.compile("sgd", jit_compile=JIT_COMPILE)
    larger = RNG.integers(0, 256, (6, 10, 16, 3)).astype("uint8")
    model.fit(larger, batch_size=3, verbose=0)
    resized = RandomResizedCrop(8, 12)(larger, training=False)
    expected = model.evaluate(ops.convert_to_numpy(resized), verbose=0)
    np.testing.assert_allclose(model.evaluate(larger, verbose=0), expected, rtol=1e-5)


def test_targets_that_are_not_normalized_are_the_pixels_that_the_encoder_sees():
    _, target, _ = outputs_of(small(normalize_targets=False), IMAGES)
    np.testing.assert_allclose(target, numpy_patches(IMAGES / 127.5 - 1), atol=1e-5)


def test_a_patch_of_one_color_has_a_target_of_zeros():
    _, target, _ = outputs_of(small(), np.full((1, 8, 12, 3), 200, "uint8"))
    np.testing.assert_allclose(target, 0, atol=1e-3)


@pytest.mark.parametrize("embedding", ["linear", "conv"])
def test_hidden_pixels_do_not_matter_and_visible_ones_do(embedding):
    model = small({"patch_embedding": embedding})
    prediction, _, mask = outputs_of(model, IMAGES)
    hidden = np.repeat(np.repeat(mask.reshape(6, 4, 3), 2, axis=1), 4, axis=2)[..., None] == 1
    noise = RNG.integers(0, 256, IMAGES.shape).astype("uint8")
    same, _, mask_again = outputs_of(model, np.where(hidden, noise, IMAGES))
    np.testing.assert_array_equal(mask_again, mask)
    np.testing.assert_array_equal(same, prediction)
    other, _, _ = outputs_of(model, np.where(hidden, IMAGES, noise))
    assert (np.abs(other - prediction).max(axis=(1, 2)) > 1e-4).all()


@pytest.mark.parametrize("class_token", [True, False])
def test_the_encoder_is_the_vit_on_the_visible_patches(class_token):
    """With positions that are zero, a ViT whose images are the visible patches is the same."""
    kind = {"positions": None, "class_token": class_token, "pool": "mean", "num_registers": 1}
    model = small(kind, mask_ratio=0.5)
    tokens, _, restore = model._encoded(ops.cast(IMAGES / 127.5 - 1, "float32"), False)
    order = np.argsort(ops.convert_to_numpy(restore), axis=1)[:, :6]
    patches = numpy_patches(IMAGES)
    parts = [own[chosen] for own, chosen in zip(patches, order, strict=True)]
    narrow = np.stack(parts).reshape(6, 6, 2, 4, 3).reshape(6, 12, 4, 3)
    vit = ViT(**{**SMALL, **kind, "image_shape": (12, 4, 3)})
    vit.set_weights(model.encoder.get_weights())
    expected = keras.Model(vit.input, vit.get_layer("norm").output)(narrow)
    np.testing.assert_allclose(
        ops.convert_to_numpy(tokens), ops.convert_to_numpy(expected), atol=1e-5
    )


@pytest.mark.parametrize(
    "encoder",
    [
        {},
        {"pool": "mean", "patch_embedding": "conv", "positions": "sincos2d"},
        {"num_registers": 2, "layer_scale": 0.1, "qk_norm": True, "dropout": 0.1},
        {"drop_path": 0.1, "attention_dropout": 0.1, "positions": "sincos1d"},
    ],
)
def test_every_weight_of_encoder_and_decoder_learns(encoder):
    model = small(encoder)
    own = {v.path for v in model.encoder.trainable_variables}
    assert own < {v.path for v in model.trainable_variables}
    model.compile("sgd")
    every_weight_learns(model, IMAGES, lambda outputs: model.compute_loss(y_pred=outputs))


def test_it_learns_what_can_be_known():
    """Every patch of an image has its pattern: a few visible ones tell the hidden ones.

    A patch has 24 values, so that predicting their mean alone would cost 23/24.
    """
    patterns = RNG.integers(0, 256, (32, 2, 4, 3))
    images = np.tile(patterns, (1, 4, 3, 1)).astype("uint8")
    model = small({"hidden_dim": 32}, decoder_dim=32)
    model.compile(keras.optimizers.Adam(1e-2), jit_compile=JIT_COMPILE)
    model.fit(images, epochs=45, verbose=0)
    assert model.evaluate(images, verbose=0) < 0.6


def test_labels_are_ignored_and_the_seed_fixes_the_losses():
    losses = []
    for labels in (None, np.arange(6)):
        keras.utils.set_random_seed(1)
        model = small(seed=5)
        model.compile("sgd", jit_compile=JIT_COMPILE)
        history = model.fit(IMAGES, labels, batch_size=3, epochs=2, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0] == losses[1]


def test_the_compiled_step_has_all_inside_and_what_it_leaves_can_be_saved(tmp_path):
    flip = keras.layers.RandomFlip("horizontal", dtype="float32")
    model = small(mask_ratio=0.5, augment=[RandomResizedCrop(8, 12), flip], seed=3)
    model.compile("adamw")
    history = model.fit(IMAGES, batch_size=3, verbose=0).history
    assert model.jit_compile == (keras.backend.backend() != "torch")
    assert np.isfinite(history["loss"]).all()

    model.save(tmp_path / "pretraining.keras")
    again = keras.saving.load_model(tmp_path / "pretraining.keras")
    assert [type(layer) for layer in again.augment] == [RandomResizedCrop, keras.layers.RandomFlip]
    assert (again.masking.mask_ratio, again.masking.seed) == (0.5, 3)
    assert int(ops.convert_to_numpy(again.optimizer.iterations)) == 2
    for other, own in zip(outputs_of(again, IMAGES), outputs_of(model, IMAGES), strict=True):
        np.testing.assert_allclose(other, own, atol=1e-6)

    model.encoder.save(tmp_path / "encoder.keras")
    vit = keras.saving.load_model(tmp_path / "encoder.keras")
    assert type(vit) is ViT
    features = [ops.convert_to_numpy(encoder(IMAGES)) for encoder in (vit, model.encoder)]
    np.testing.assert_allclose(*features, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"num_classes": 10}, "num_classes=10"),
        ({"pre_logits": 8}, "pre_logits=8"),
        ({"patch_embedding": "stem", "patch_size": 4}, "patch_embedding='stem'"),
        ({"relative_positions": "bias"}, "relative_positions='bias'"),
        ({"relative_positions": "rotary"}, "relative_positions='rotary'"),
    ],
)
def test_an_encoder_that_cannot_be_pretrained_is_refused(change, named):
    with pytest.raises(ValueError, match=named):
        small(change)


def test_a_model_that_is_no_vit_is_refused():
    with pytest.raises(ValueError, match="must be a ViT"):
        MaskedAutoencoder(HybridViT((32, 32, 3), num_classes=0, stages=(1, 1)))


@pytest.mark.parametrize(
    ("encoder", "arguments", "named"),
    [
        ({"image_shape": (4, 4, 1), "patch_size": 1}, {}, "a patch of one value becomes zero"),
        ({"patch_size": (8, 12)}, {}, "keeps 0 of 1"),
        ({}, {"decoder_dim": 10}, "dim=10"),
        ({}, {"decoder_heads": 3}, "Received: num_heads=3, width=8"),
    ],
)
def test_sizes_that_make_no_autoencoder_are_refused(encoder, arguments, named):
    with pytest.raises(ValueError, match=named):
        small(encoder, **arguments)
