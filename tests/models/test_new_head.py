import keras
import numpy as np
import pytest

from keras_vit import HybridViT, ResNet, ViT
from keras_vit.models.new_head import check_can_be_tuned, with_classes
from keras_vit.train.lora import add_lora, without_lora
from tests.helpers import disturbed, quantized

SMALL = {"image_shape": (16, 16, 3), "hidden_dim": 16, "depth": 2, "num_heads": 2, "mlp_dim": 16}
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype("uint8")


def trained(cls=ViT, **arguments):
    """A model whose weights are all other than they start."""
    return disturbed(cls(**{**SMALL, **arguments}), seed=1)


def features(model):
    body = keras.Model(model.input, model.get_layer("pooled").output)
    return body.predict(IMAGES, verbose=0)


@pytest.mark.backends
@pytest.mark.parametrize("cls", [ViT, HybridViT])
def test_the_body_stays_and_the_new_head_starts_at_zero(cls):
    model = trained(cls, num_classes=5, pre_logits=8, relative_positions="bias")
    new = with_classes(model, 3, ("a", "b", "c"))
    np.testing.assert_allclose(features(new), features(model), atol=1e-6)
    np.testing.assert_array_equal(new.predict(IMAGES, verbose=0), np.zeros((3, 3)))
    assert new.class_names == ("a", "b", "c")
    assert new.pre_logits is None, "the paper removes the whole pre-trained head"
    assert np.abs(model.predict(IMAGES, verbose=0)).max() > 0, "the old model is as it was"


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        (("a", "b"), ("a", "b"), True),
        (("a", "b"), ["a", "b"], True),
        (None, ("a", "b"), True),
        (("a", "b"), None, True),
        (("a", "b"), ("b", "a"), False),
        (("a", "b"), ("a", "b", "c"), False),
    ],
)
def test_the_head_stays_where_the_classes_do(old, new, kept):
    model = trained(num_classes=2, class_names=old, pre_logits=8)
    other = with_classes(model, len(new) if new else 2, new)
    same = np.allclose(other.predict(IMAGES, verbose=0)[:, :2], model.predict(IMAGES, verbose=0))
    assert same == kept


def test_features_alone_take_any_head():
    new = with_classes(trained(num_classes=0), 4)
    assert new.output_shape == (None, 4)


def test_what_was_frozen_is_trained_again_and_other_arguments_change():
    model = trained(num_classes=2)
    model.get_layer("block_0").trainable = False
    new = with_classes(model, 3, drop_path=0.2, dtype="mixed_bfloat16")
    assert len(new.trainable_variables) == len(new.weights)
    assert new.drop_path == 0.2
    assert new.get_layer("block_1").compute_dtype == "bfloat16"


def test_models_that_cannot_be_tuned_are_refused():
    with pytest.raises(ValueError, match="Received: a ResNet"):
        check_can_be_tuned(ResNet(18, (8, 8, 3), num_classes=2))
    model = trained(num_classes=2)
    check_can_be_tuned(model)
    quantized(model)
    with pytest.raises(ValueError, match="quantised"):
        check_can_be_tuned(model)


def test_low_rank_factors_are_not_left_behind_unsaid():
    model = trained(num_classes=2)
    add_lora(model, 2)
    with pytest.raises(ValueError, match="Low-rank factors are not part of the model's kernels"):
        with_classes(model, 3)
    with_classes(without_lora(model), 3)
