import keras
import numpy as np
import pytest
from keras import ops
from scipy.special import erf, softmax

from keras_vit import AugmentedModel, ViT, attention_maps, attention_relevance, intermediates
from keras_vit.layers import TransformerBlock
from keras_vit.models import HybridViT
from keras_vit.reproductions import HybridStudyViT, KunViT, VisualAttentionViT
from tests.helpers import disturbed, quantized

SMALL = {
    "image_shape": (4, 6, 1),
    "patch_size": 2,
    "num_classes": 3,
    "hidden_dim": 8,
    "depth": 2,
    "num_heads": 2,
    "mlp_dim": 12,
}
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 4, 6, 1)).astype("uint8")


def random_model(**arguments):
    return disturbed(ViT(**{**SMALL, **arguments}), 0.3)


class NumpyViT:
    """Blocks, last norm and head written out in float64, with offsets on the attention."""

    def __init__(self, model):
        self.weights = {v.path: ops.convert_to_numpy(v).astype("float64") for v in model.variables}

    def norm(self, x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-6)
        return scaled * self.weights[f"{name}/gamma"] + self.weights[f"{name}/beta"]

    def dense(self, x, name):
        return x @ self.weights[f"{name}/kernel"] + self.weights[f"{name}/bias"]

    def __call__(self, x, offsets):
        maps = []
        for block, offset in zip(("block_0", "block_1"), offsets, strict=True):
            qkv = self.dense(self.norm(x, f"{block}/norm_1"), f"{block}/attention/qkv")
            query, key, value = qkv.reshape(*x.shape[:2], 3, 2, 4).transpose(2, 0, 3, 1, 4)
            maps.append(softmax(query @ key.swapaxes(2, 3) / 2, axis=-1) + offset)
            attended = (maps[-1] @ value).swapaxes(1, 2).reshape(x.shape)
            x = x + self.dense(attended, f"{block}/attention/projection")
            hidden = self.dense(self.norm(x, f"{block}/norm_2"), f"{block}/mlp/dense_1")
            hidden = hidden * (1 + erf(hidden / np.sqrt(2))) / 2
            x = x + self.dense(hidden, f"{block}/mlp/dense_2")
        return self.dense(self.norm(x, "norm")[:, 0], "head"), maps


def relevance_by_differences(model, images, classes, step=1e-5):
    """The paper's equations with gradients by central differences, image by image."""
    tokens = ops.convert_to_numpy(intermediates(model)(images.astype("float32"))["patch_encoder"])
    reference = NumpyViT(model)
    relevances = []
    for x, chosen in zip(tokens.astype("float64"), classes, strict=True):
        _, maps = reference(x[None], (0, 0))
        slopes = np.zeros((2, *maps[0].shape))
        for place in np.ndindex(slopes.shape):
            offsets = np.zeros_like(slopes)
            offsets[place] = step
            high, low = (reference(x[None], sign * offsets)[0][0, chosen] for sign in (1, -1))
            slopes[place] = (high - low) / (2 * step)
        relevance = np.eye(len(x))
        for weights, slope in zip(maps, slopes, strict=True):
            relevance = relevance + np.maximum(weights * slope, 0)[0].mean(axis=0) @ relevance
        relevances.append(relevance)
    return np.array(relevances)


@pytest.mark.backends
def test_it_is_the_papers_rule_with_gradients_by_differences():
    model = random_model()
    expected = relevance_by_differences(model, IMAGES, [2, 0, 1, 1])
    assert np.abs(expected - np.eye(7)).max() > 0.05
    relevance = attention_relevance(model, IMAGES, [2, 0, 1, 1])
    np.testing.assert_allclose(relevance, expected, atol=1e-5)


@pytest.mark.backends
def test_without_classes_it_explains_the_predicted_one():
    model = random_model(relative_positions="rotary", num_registers=1, pool="mean")
    predicted = model.predict(IMAGES, verbose=0).argmax(axis=1)
    relevance = attention_relevance(AugmentedModel(model), IMAGES)
    assert relevance.shape == (4, 7, 7)
    np.testing.assert_allclose(relevance, attention_relevance(model, IMAGES, predicted), atol=1e-6)
    one = attention_relevance(model, IMAGES, 1)
    np.testing.assert_allclose(one, attention_relevance(model, IMAGES, [1, 1, 1, 1]))
    assert np.abs(one - attention_relevance(model, IMAGES, 2)).max() > 0.01


def test_batches_are_explained_as_one():
    model = random_model(positions="sincos1d")
    np.testing.assert_allclose(
        attention_relevance(model, IMAGES[:3], [0, 1, 2], batch_size=2),
        attention_relevance(model, IMAGES[:3], [0, 1, 2]),
        atol=1e-5,
    )


def test_a_bfloat16_models_relevance_is_near_the_exact_one():
    model, low = random_model(), random_model(dtype="mixed_bfloat16")
    low.set_weights(model.get_weights())
    exact = attention_relevance(model, IMAGES, 0)
    scale = np.abs(exact - np.eye(7)).max()
    np.testing.assert_allclose(attention_relevance(low, IMAGES, 0), exact, atol=0.1 * scale)


def test_a_quantised_model_can_be_looked_into():
    model = random_model()
    exact_maps, exact = attention_maps(model, IMAGES), attention_relevance(model, IMAGES, 0)
    quantized(model)
    np.testing.assert_allclose(attention_maps(model, IMAGES), exact_maps, atol=0.1)
    relevance = attention_relevance(model, IMAGES, 0)
    assert np.corrcoef(relevance[:, 0, 1:].ravel(), exact[:, 0, 1:].ravel())[0, 1] > 0.9


@pytest.mark.parametrize("classes", [3, -1, [0, 1], [0, 1, 3, 0], 0.5, "cat"])
def test_classes_that_are_none_are_refused(classes):
    with pytest.raises(ValueError, match="a class of 0 to 2.*Received"):
        attention_relevance(ViT(**SMALL), IMAGES, classes)


def test_models_of_another_form_and_images_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(B, 4, 6, 1\). Received: shape=\(4, 6, 4, 1\)"):
        attention_relevance(ViT(**SMALL), IMAGES.swapaxes(1, 2))
    with pytest.raises(ValueError, match="`batch_size` must be 1 or more. Received: batch_size=-1"):
        attention_relevance(ViT(**SMALL), IMAGES, batch_size=-1)
    tokens = keras.Input((6, 8))
    branched = keras.layers.Add()([TransformerBlock(2, 8)(tokens), tokens])
    with pytest.raises(ValueError, match="must form a chain"):
        attention_relevance(keras.Model(tokens, branched), np.zeros((1, 6, 8)))


@pytest.mark.parametrize("published", [VisualAttentionViT, KunViT, HybridStudyViT, HybridViT])
def test_blocks_of_other_kinds_and_hybrids_can_be_looked_into(published):
    model = published((16, 16, 3), hidden_dim=16, depth=2, num_heads=2, mlp_dim=8)
    disturbed(model)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("uint8")
    maps = attention_maps(model, images)
    np.testing.assert_allclose(maps.sum(axis=-1), 1, atol=1e-5)
    relevance = attention_relevance(model, images)
    assert relevance.shape == maps.shape[1:2] + maps.shape[3:]
    assert relevance[:, 0, 1:].max() > 0
