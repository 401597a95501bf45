import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import log_softmax

from keras_vit import AugmentedModel, AutoAugment, RandomCrop, RandomResizedCrop, ViT, load_data
from keras_vit.models import ResNet
from tests.few_steps import JIT_COMPILE

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 8, 8, 3)).astype("uint8")
LABELS = RNG.integers(0, 10, 12)


def small_vit(**arguments):
    model = ViT(image_shape=(8, 8, 3), hidden_dim=16, depth=1, num_heads=2, mlp_dim=16, **arguments)
    head = model.get_layer("head").kernel
    head.assign(np.random.default_rng(1).normal(size=head.shape))
    return model


def numpy_of(x):
    return ops.convert_to_numpy(x)


def cross_entropy(logits, targets):
    return -np.mean(np.sum(targets * log_softmax(logits, axis=1), axis=1))


def mixed_prediction(logits):
    return {
        "prediction": ops.convert_to_tensor(logits),
        "partner": ops.convert_to_tensor(np.array([1, 2, 0], "int32")),
        "weight": ops.convert_to_tensor(np.array([0.7, 0.2, 0.5], "float32")),
    }


def test_the_loss_is_the_cross_entropy_of_mixed_and_smoothed_labels():
    trainer = AugmentedModel(small_vit(), mixup=1.0, label_smoothing=0.1)
    trainer.compile("sgd", metrics=["accuracy"])
    logits = RNG.normal(size=(3, 10)).astype("float32")
    labels = np.array([3, 1, 9])
    loss = trainer.compute_loss(y=ops.convert_to_tensor(labels), y_pred=mixed_prediction(logits))
    shares = np.zeros((3, 10))
    for row, (own, other, weight) in enumerate([(3, 1, 0.7), (1, 9, 0.2), (9, 3, 0.5)]):
        shares[row, own] += weight
        shares[row, other] += 1 - weight
    expected = cross_entropy(logits, 0.9 * shares + 0.1 / 10)
    np.testing.assert_allclose(float(loss), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_each_label_counts_by_the_weight_of_its_own_image(shape):
    """As with a weight for each class in PyTorch's CrossEntropyLoss on shares of labels."""
    trainer = AugmentedModel(small_vit(), mixup=1.0, label_smoothing=0.1)
    trainer.compile("sgd")
    logits = RNG.normal(size=(3, 10)).astype("float32")
    labels, weights = np.array([3, 1, 9]), np.array([2.0, 0.0, 0.5], "float32")
    loss = trainer.compute_loss(
        y=ops.convert_to_tensor(labels),
        y_pred=mixed_prediction(logits),
        sample_weight=ops.convert_to_tensor(weights.reshape(shape)),
    )
    smoothed = 0.9 * np.eye(10)[labels] + 0.1 / 10
    costs = -smoothed @ log_softmax(logits, axis=1).T  # (label of image, logits of image)
    expected = sum(
        share * weights[label] * costs[label, row]
        for row, (partner, own) in enumerate([(1, 0.7), (2, 0.2), (0, 0.5)])
        for label, share in ((row, own), (partner, 1 - own))
    )
    np.testing.assert_allclose(float(loss), expected / 3, rtol=1e-5)


def test_metrics_see_the_label_of_the_larger_share():
    trainer = AugmentedModel(small_vit(), mixup=1.0)
    trainer.compile("sgd", metrics=["accuracy"])
    logits = np.full((3, 10), -1.0, "float32")
    logits[0, 3] = logits[1, 9] = logits[2, 3] = 1.0  # shares .7 own, .8 other, a tie: own (9)
    labels = ops.convert_to_tensor(np.array([3, 1, 9]))
    result = trainer.compute_metrics(None, labels, mixed_prediction(logits))
    np.testing.assert_allclose(float(result["accuracy"]), 2 / 3, rtol=1e-6)


def test_weighted_metrics_have_the_weight_of_the_label_that_they_see():
    trainer = AugmentedModel(small_vit(), mixup=1.0)
    trainer.compile("sgd", weighted_metrics=["accuracy"])
    logits = np.full((3, 10), -1.0, "float32")
    logits[0, 3] = logits[1, 9] = logits[2, 3] = 1.0  # as above: right, right, wrong
    labels = ops.convert_to_tensor(np.array([3, 1, 9]))
    weights = ops.convert_to_tensor(np.array([5.0, 100.0, 2.0], "float32"))
    result = trainer.compute_metrics(None, labels, mixed_prediction(logits), weights)
    np.testing.assert_allclose(float(result["accuracy"]), (5 + 2) / (5 + 2 + 2), rtol=1e-6)


@pytest.mark.parametrize("kind", ["int64", "float64"])
def test_weights_of_any_type_train(kind):
    trainer = AugmentedModel(small_vit(), mixup=1.0)
    trainer.compile("sgd", weighted_metrics=["accuracy"], jit_compile=JIT_COMPILE)
    weights = np.arange(len(IMAGES)).astype(kind)
    trainer.fit(IMAGES, LABELS, sample_weight=weights, batch_size=6, verbose=0)
    (loss,) = trainer.history.history["loss"]
    assert np.isfinite(loss)


@pytest.mark.parametrize("shape", [(12,), (12, 1)])
def test_evaluate_sees_neither_augmentation_nor_smoothing_nor_mixing(shape):
    model = small_vit()
    blank = keras.layers.Rescaling(0.0)
    trainer = AugmentedModel(model, [blank], mixup=1.0, label_smoothing=0.3)
    trainer.compile("sgd", metrics=["accuracy"])
    logits = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(trainer.predict(IMAGES, verbose=0), logits, atol=1e-5)
    result = trainer.evaluate(IMAGES, LABELS.reshape(shape), verbose=0, return_dict=True)
    expected = cross_entropy(logits, np.eye(10)[LABELS])
    np.testing.assert_allclose(result["loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(result["accuracy"], np.mean(logits.argmax(1) == LABELS), rtol=1e-6)


def test_training_sees_the_augmented_images():
    blank = keras.layers.Rescaling(0.0)
    trainer = AugmentedModel(small_vit(), [blank])
    black = trainer.model.predict(np.zeros_like(IMAGES), verbose=0)
    np.testing.assert_allclose(numpy_of(trainer(IMAGES, training=True)), black, atol=1e-5)


def test_the_step_of_the_recipes_is_compiled_with_everything_inside():
    augment = [
        RandomResizedCrop(8, 8),
        RandomCrop(1),
        keras.layers.RandomFlip("horizontal"),
        AutoAugment(),
    ]
    trainer = AugmentedModel(small_vit(), augment, mixup=0.8, cutmix=1.0, label_smoothing=0.1)
    trainer.compile("adamw", metrics=["accuracy"])
    history = trainer.fit(IMAGES, LABELS, batch_size=4, epochs=2, verbose=0).history
    assert trainer.jit_compile == (keras.backend.backend() != "torch")
    assert np.isfinite(history["loss"]).all()
    assert trainer.optimizer.iterations == 6


def test_a_layer_that_cannot_be_compiled_is_told_about():
    trainer = AugmentedModel(small_vit(), [keras.layers.RandomRotation(0.1)])
    if keras.backend.backend() != "tensorflow":
        trainer.compile("sgd")
        return
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        trainer.compile("sgd")
    assert not trainer.jit_compile


def test_convolutional_networks_are_left_to_onednn_on_tensorflows_cpu():
    stem = {"patch_embedding": "stem", "patch_size": 4}
    for model, compiled in ((ResNet(18, (8, 8, 3), 4, width=4), False), (small_vit(**stem), True)):
        trainer = AugmentedModel(model)
        trainer.compile("sgd")
        if keras.backend.backend() == "tensorflow":
            assert trainer.jit_compile is compiled
            trainer.compile("sgd", jit_compile=True)
        assert trainer.jit_compile == (keras.backend.backend() != "torch")


def test_a_classifier_with_a_softmax_is_told_from_one_with_logits():
    inputs = keras.Input((8, 8, 3))
    dense = keras.layers.Dense(10, activation="softmax")
    model = keras.Model(inputs, dense(keras.layers.Flatten()(inputs / 255.0)))
    trainer = AugmentedModel(model)
    trainer.compile("sgd")
    shares = model.predict(IMAGES.astype("float32"), verbose=0)
    expected = -np.mean(np.log(shares[np.arange(12), LABELS]))
    loss = trainer.evaluate(IMAGES.astype("float32"), LABELS, verbose=0)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_a_softmax_is_found_wherever_it_stands():
    from keras_vit.models.outputs import ends_in_softmax

    inputs = keras.Input((4,))
    softmax = keras.layers.Dense(3, activation="softmax")
    nested = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    logits = keras.layers.Dense(3)(inputs)
    for output in (
        softmax(inputs),
        nested(inputs),
        ops.softmax(logits),
        keras.layers.Softmax()(logits),
        keras.layers.Activation("softmax")(logits),
    ):
        assert ends_in_softmax(keras.Model(inputs, output))
    assert not ends_in_softmax(keras.Model(inputs, logits))
    assert not ends_in_softmax(small_vit())


def test_labels_beyond_the_classes_in_a_stream_give_no_finite_loss():
    class Stream(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return IMAGES, LABELS + 5

    trainer = AugmentedModel(small_vit())
    trainer.compile("sgd")
    assert np.isnan(trainer.fit(Stream(), verbose=0).history["loss"]).all()


def test_a_clone_gives_the_same_predictions():
    trainer = AugmentedModel(small_vit(), [RandomCrop(1)], cutmix=1.0)
    clone = keras.models.clone_model(trainer)
    clone.set_weights(trainer.get_weights())
    np.testing.assert_allclose(
        clone.predict(IMAGES, verbose=0), trainer.predict(IMAGES, verbose=0), atol=1e-6
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_it_trains_under_mixed_precision(policy):
    trainer = AugmentedModel(small_vit(dtype=policy), [RandomCrop(1)], cutmix=1.0)
    trainer.compile(keras.optimizers.Adam(1e-2), metrics=["accuracy"])
    losses = trainer.fit(IMAGES, LABELS, batch_size=12, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_loss_of_ones_own_gets_the_shares():
    trainer = AugmentedModel(small_vit(), label_smoothing=0.2)
    trainer.compile("sgd", loss=keras.losses.MeanSquaredError())
    logits = RNG.normal(size=(3, 10)).astype("float32")
    loss = trainer.compute_loss(y=ops.convert_to_tensor(np.array([1, 2, 3])), y_pred=logits)
    expected = np.mean((logits - (0.8 * np.eye(10)[[1, 2, 3]] + 0.02)) ** 2)
    np.testing.assert_allclose(float(loss), expected, rtol=1e-5)


def test_float16_scales_the_loss():
    trainer = AugmentedModel(small_vit(dtype="mixed_float16"))
    trainer.compile(keras.optimizers.SGD())
    assert isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)


def test_it_saves_and_loads_without_custom_objects(tmp_path):
    augment = [RandomCrop(1), keras.layers.RandomFlip("horizontal"), AutoAugment()]
    trainer = AugmentedModel(small_vit(), augment, cutmix=1.0, label_smoothing=0.1, seed=3)
    trainer.compile("adamw", metrics=["accuracy"])
    trainer.fit(IMAGES, LABELS, batch_size=6, verbose=0)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.saving.load_model(tmp_path / "trainer.keras")
    for key in ("mixup", "cutmix", "label_smoothing", "seed", "name"):
        assert loaded.get_config()[key] == trainer.get_config()[key]
    for ours, theirs in zip(loaded.augment, augment, strict=True):
        assert ours.get_config() == theirs.get_config()
    assert loaded.model.get_config() == trainer.model.get_config()
    np.testing.assert_allclose(
        loaded.predict(IMAGES, verbose=0), trainer.predict(IMAGES, verbose=0), atol=1e-6
    )
    loaded.fit(IMAGES, LABELS, batch_size=6, verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(12), "from 0 to 9 for 10 classes. Received: labels from 0 to 11"),
        (np.full(12, -1), "Received: labels from -1 to -1"),
        (np.zeros(12), "Labels must be integers. Received: dtype=float64"),
        (np.zeros((12, 10), "int32"), r"Received: shape=\(.*10\)"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, message):
    trainer = AugmentedModel(small_vit())
    trainer.compile("sgd")
    with pytest.raises(ValueError, match=message):
        trainer.fit(IMAGES, labels, verbose=0)
    with pytest.raises(ValueError, match=message):
        trainer.fit(IMAGES, LABELS, validation_data=(IMAGES, labels), verbose=0)


@pytest.mark.parametrize("outputs", [1, 2])
def test_a_model_that_is_no_classifier_is_refused(outputs):
    inputs = keras.Input((4,))
    heads = [keras.layers.Dense(1)(inputs) for _ in range(outputs)]
    with pytest.raises(ValueError, match="one output"):
        AugmentedModel(keras.Model(inputs, heads if outputs > 1 else heads[0]))


def test_label_smoothing_outside_its_range_is_refused():
    with pytest.raises(ValueError, match=r"label_smoothing.*1\.5"):
        AugmentedModel(small_vit(), label_smoothing=1.5)


def test_vit_overfits_64_real_images():
    data = load_data("digits")
    x, y = data.x_train[:64], data.y_train[:64]
    keras.utils.set_random_seed(0)
    model = ViT((8, 8, 1), patch_size=2, hidden_dim=32, depth=2, num_heads=2, mlp_dim=64)
    trainer = AugmentedModel(model)
    trainer.compile(keras.optimizers.AdamW(3e-3), metrics=["accuracy"])
    trainer.fit(x, y, batch_size=64, epochs=80, verbose=0)
    assert trainer.evaluate(x, y, verbose=0, return_dict=True)["accuracy"] == 1.0


def test_a_crop_brings_images_of_another_size_to_the_models():
    """In training by chance, in `evaluate` and `predict` the whole image resized."""
    model = ViT((8, 8, 3), 4, 2, hidden_dim=8, depth=1, num_heads=2, mlp_dim=8)
    model.get_layer("head").kernel.assign(np.random.default_rng(0).normal(size=(8, 2)))
    trainer = AugmentedModel(model, augment=[RandomResizedCrop(8, 8)])
    trainer.compile("sgd", jit_compile=JIT_COMPILE)
    images = np.random.default_rng(0).integers(0, 256, (4, 12, 10, 3)).astype("uint8")
    trainer.fit(images, np.array([0, 1, 0, 1]), batch_size=4, verbose=0)
    resized = RandomResizedCrop(8, 8)(images, training=False)
    np.testing.assert_allclose(
        trainer.predict(images, verbose=0), model.predict(resized, verbose=0), atol=1e-5
    )


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras takes single steps there")
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's, at any group's size
@pytest.mark.parametrize("source", ["a smaller last batch", "a generator"])
def test_steps_by_the_group_are_single_steps_for_any_data(source):
    """Seven batches of 4 and one of 2, in groups of 3."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 8, 8, 3)).astype("uint8"), rng.integers(0, 3, 30)
    losses, weights = [], []
    for group in (1, 3):
        keras.utils.set_random_seed(0)
        trainer = AugmentedModel(small_vit(num_classes=3), augment=[RandomCrop(1, seed=1)])
        trainer.compile(keras.optimizers.SGD(0.1), steps_per_execution=group)
        if source == "a generator":
            batches = ((x[i : i + 4], y[i : i + 4]) for i in range(0, 28, 4))
            history = trainer.fit(batches, shuffle=False, verbose=0)
        else:
            history = trainer.fit(x, y, batch_size=4, shuffle=False, verbose=0)
        if group > 1 and keras.backend.backend() == "jax":  # and not Keras's, which gives the same
            assert trainer.train_function.__qualname__.startswith("scanned_steps")
        losses.append(history.history["loss"])
        weights.append(trainer.model.get_weights())
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
