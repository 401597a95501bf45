import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import AugmentedModel, HybridViT, ResNet, ViT
from keras_vit.train.lora import add_lora, freeze_body, without_lora
from tests.few_steps import JIT_COMPILE

SMALL = {"hidden_dim": 16, "depth": 1, "num_heads": 2, "mlp_dim": 16, "num_classes": 3}
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (12, 8, 8, 3)).astype("uint8")
LABELS = np.arange(12) % 3


def values(model):
    return {v.path: np.array(ops.convert_to_numpy(v.value)) for v in model.weights}


def trainer(rank=2):
    keras.utils.set_random_seed(7)
    model = ViT((8, 8, 3), **SMALL)
    model.get_layer("head").kernel.assign(RNG.normal(0, 0.1, (16, 3)))
    add_lora(model, rank)
    trainer = AugmentedModel(model)
    trainer.compile(keras.optimizers.Adam(1e-2), jit_compile=JIT_COMPILE)
    return trainer


def fit(trainer, epochs):
    trainer.fit(IMAGES, LABELS, batch_size=6, epochs=epochs, shuffle=False, verbose=0)


@pytest.mark.backends
def test_the_factors_and_the_head_are_trained_and_nothing_else():
    tuned = trainer()
    before = values(tuned.model)
    fit(tuned, 3)
    after = values(tuned.model)
    moved = {path for path in before if np.any(before[path] != after[path])}
    factors = {path for path in before if "lora_kernel" in path}
    assert moved == factors | {"head/kernel", "head/bias"}
    assert len(factors) == 2 * 2  # qkv and projection, A and B


def test_kernels_in_float32_keep_every_bit_in_mixed_precision():
    model = ViT((8, 8, 3), **SMALL, dtype="mixed_bfloat16")
    before = values(model)
    add_lora(model, 2)  # B is zero
    after = values(without_lora(model))
    for path, value in after.items():
        np.testing.assert_array_equal(value, before[path], path)


@pytest.mark.backends
def test_the_saved_model_is_a_plain_one_with_the_same_outputs(tmp_path):
    tuned = trainer()
    fit(tuned, 3)
    expected = tuned.predict(IMAGES, verbose=0)
    tuned.model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    merged = without_lora(tuned.model)
    plain = ViT((8, 8, 3), **SMALL)
    for model in (loaded, merged):
        np.testing.assert_allclose(model.predict(IMAGES, verbose=0), expected, atol=1e-5)
        assert [v.path for v in model.weights] == [v.path for v in plain.weights]
        assert len(model.trainable_variables) == len(plain.trainable_variables)
    np.testing.assert_array_equal(
        tuned.predict(IMAGES, verbose=0), expected, "the tuned model is as it was"
    )
    assert without_lora(plain) is plain


@pytest.mark.backends
def test_training_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(tmp_path):
    """Keras alone loads both factors as zeros, whose gradients are zero for ever."""
    whole = trainer()
    fit(whole, 2)
    whole.save_weights(tmp_path / "half.weights.h5")
    halfway = values(whole.model)
    fit(whole, 2)

    resumed = trainer()
    resumed.optimizer.build(resumed.trainable_variables)
    resumed.load_weights(tmp_path / "half.weights.h5")
    for path, value in values(resumed.model).items():
        np.testing.assert_array_equal(value, halfway[path], path)
    fit(resumed, 2)
    expected = values(whole.model)
    for path, value in values(resumed.model).items():
        np.testing.assert_array_equal(value, expected[path], path)


@pytest.mark.backends
@pytest.mark.parametrize("cls", [ViT, HybridViT])
def test_a_frozen_body_leaves_the_head_and_no_trace_in_the_file(tmp_path, cls):
    model = cls((8, 8, 3), patch_size=2, **SMALL)
    freeze_body(model)
    assert [v.path for v in model.trainable_variables] == ["head/kernel", "head/bias"]
    tuned = AugmentedModel(model)
    tuned.compile(keras.optimizers.SGD(0.1), jit_compile=JIT_COMPILE)
    before = values(model)
    fit(tuned, 1)
    after = values(model)
    assert {p for p in before if np.any(before[p] != after[p])} == {"head/kernel", "head/bias"}
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert len(loaded.trainable_variables) == len(loaded.weights)


def test_what_takes_no_factors_is_refused():
    with pytest.raises(ValueError, match="Received: rank=0"):
        add_lora(ViT((8, 8, 3), **SMALL), 0)
    with pytest.raises(ValueError, match="needs a model with attention layers"):
        add_lora(ResNet(18, (8, 8, 3), num_classes=3), 2)
