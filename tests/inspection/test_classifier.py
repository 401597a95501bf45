import keras
import numpy as np
import pytest
from PIL import Image
from scipy.special import softmax

from keras_vit import AugmentedModel, ViT
from keras_vit.data.channels import with_channels
from keras_vit.inspection.classifier import Classifier

RNG = np.random.default_rng(0)
TINY = {"patch_size": 4, "hidden_dim": 8, "depth": 1, "num_heads": 1, "mlp_dim": 8}


def convolutional(shape, classes=3, activation=None):
    return keras.Sequential(
        [
            keras.Input(shape),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(classes, activation=activation),
        ]
    )


def test_logits_become_scipys_softmax_and_probabilities_stay():
    logits = RNG.normal(0, 50, (5, 7)).astype("float32")
    of_logits = Classifier(convolutional((8, 8, 3), 7))
    np.testing.assert_allclose(
        of_logits.as_probabilities(logits), softmax(logits, axis=1), atol=1e-6
    )
    np.testing.assert_allclose(of_logits.as_probabilities(np.zeros((2, 7))), 1 / 7)
    shares = softmax(logits, axis=1)
    of_shares = Classifier(convolutional((8, 8, 3), 7, "softmax"))
    np.testing.assert_array_equal(of_shares.as_probabilities(shares), shares)


def test_logits_that_happen_to_sum_to_one_are_logits_all_the_same():
    """The values [0.3, 0.7] do not say what they are; the model's graph does."""
    model = convolutional((8, 8, 3), 2)
    model.layers[-1].set_weights([np.zeros((4, 2)), np.array([0.3, 0.7])])
    images = RNG.integers(0, 256, (1, 8, 8, 3)).astype("uint8")
    expected = [1 / (1 + np.exp(0.4)), 1 / (1 + np.exp(-0.4))]
    np.testing.assert_allclose(Classifier(model).probabilities(images)[0], expected, rtol=1e-5)
    inside = keras.Sequential([keras.Input((8, 8, 3)), model])
    np.testing.assert_allclose(Classifier(inside).probabilities(images)[0], expected, rtol=1e-5)


def test_layers_that_pass_probabilities_on_may_follow_the_softmax():
    x = keras.Input((8, 8, 3))
    one, other = (convolutional((8, 8, 3), 3, "softmax")(x) for _ in range(2))
    mean = keras.layers.Average()([one, other])
    shaped = keras.layers.Activation("linear")(keras.layers.Reshape((3,))(mean))
    images = RNG.integers(0, 256, (4, 8, 8, 3)).astype("uint8")
    model = keras.Model(x, shaped)
    expected = model.predict(images.astype("float32"), verbose=0)
    np.testing.assert_allclose(Classifier(model).probabilities(images), expected, atol=1e-6)
    logits = convolutional((8, 8, 3), 3)(x)
    mixed = keras.Model(x, keras.layers.Average()([one, logits]))
    assert not Classifier(mixed).gives_probabilities


class Subclassed(keras.Model):
    """A classifier without a graph, around a functional one."""

    def __init__(self, model):
        super().__init__()
        self.inside = model
        self.input_shape = model.input_shape
        self.output_shape = model.output_shape

    def call(self, x):
        return self.inside(x)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_model_without_a_graph_is_told_by_what_it_answers_to_noise(activation):
    model = convolutional((8, 8, 3), 3, activation)
    images = RNG.integers(0, 256, (4, 8, 8, 3)).astype("uint8")
    expected = Classifier(model).probabilities(images)
    np.testing.assert_allclose(Classifier(Subclassed(model)).probabilities(images), expected)


@pytest.mark.backends
@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_models_answers_are_probabilities_whatever_it_gives(activation):
    model = convolutional((8, 8, 3), activation=activation)
    images = RNG.integers(0, 256, (4, 8, 8, 3)).astype("uint8")
    outputs = model.predict(images.astype("float32"), verbose=0)
    expected = outputs if activation else softmax(outputs, axis=1)
    np.testing.assert_allclose(Classifier(model).probabilities(images), expected, atol=1e-5)


def test_images_of_another_size_are_resized_batch_by_batch(monkeypatch):
    monkeypatch.setattr("keras_vit.inspection.classifier.BATCH", 3)
    classifier = Classifier(convolutional((8, 8, 1)))
    images = RNG.integers(0, 256, (7, 20, 12, 1)).astype("uint8")
    each = [classifier.probabilities(image[None])[0] for image in images]
    np.testing.assert_allclose(classifier.probabilities(images), each, atol=1e-5)


def test_names_are_the_given_ones_else_the_models_else_numbers():
    model = ViT((8, 8, 3), num_classes=2, class_names=("cat", "dog"), **TINY)
    assert Classifier(model).class_names == ("cat", "dog")
    assert Classifier(AugmentedModel(model)).class_names == ("cat", "dog")
    assert Classifier(model, ["a", "b"]).class_names == ("a", "b")
    assert Classifier(convolutional((8, 8, 1))).class_names == ("0", "1", "2")
    with pytest.raises(ValueError, match="each of the 2 classes. Received: 3 class names"):
        Classifier(model, ["a", "b", "c"])


def test_the_likeliest_come_first():
    classifier = Classifier(convolutional((8, 8, 1)), ["a", "b", "c"])
    top = classifier.top(np.array([0.2, 0.7, 0.1]), count=2)
    assert top == [("b", 0.7), ("a", 0.2)]


def test_channels_follow_the_model():
    colours = RNG.integers(0, 256, (2, 5, 4, 3)).astype("uint8")
    grey = with_channels(colours, 1)
    expected = [np.asarray(Image.fromarray(image).convert("L")) for image in colours]
    np.testing.assert_allclose(grey[..., 0].astype(int), expected, atol=1)
    np.testing.assert_array_equal(with_channels(grey, 3), np.repeat(grey, 3, axis=3))
    with pytest.raises(ValueError, match="must have 4 channels.*Received: images with 3 channels"):
        with_channels(colours, 4)


def test_a_model_of_any_size_takes_a_picture_as_it_is(tmp_path):
    pixels = RNG.integers(0, 256, (9, 14, 3)).astype("uint8")
    Image.fromarray(pixels).save(tmp_path / "some.png")
    classifier = Classifier(convolutional((None, None, 3)))
    assert classifier.image_size is None
    image, size = classifier.read(tmp_path / "some.png")
    np.testing.assert_array_equal(image, pixels)
    assert size == (9, 14)


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    Image.new("L", (50, 50)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    with pytest.raises(ValueError, match=r"large.png: can't read this image: .*2500 pixels"):
        Classifier(convolutional((8, 8, 1))).read(tmp_path / "large.png")


def test_whether_there_is_attention_to_look_into():
    assert Classifier(ViT((8, 8, 3), **TINY)).has_attention
    assert not Classifier(convolutional((8, 8, 3))).has_attention


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)]), "take images"),
        (
            lambda: convolutional((8, 8, 3), classes=1),
            r"two or more classes.*output_shape=\(None, 1\)",
        ),
        (lambda: ViT((8, 8, 3), num_classes=0, **TINY), r"no head.*\(None, 8\)"),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]), "logits"),
    ],
)
def test_models_of_another_kind_are_refused(model, message):
    with pytest.raises(ValueError, match=message):
        Classifier(model())
