import keras
import numpy as np
import pytest
from keras import ops

from keras_vit import ViT, intermediates
from keras_vit.models.variants import variant_arguments
from tests.helpers import loss_and_gradients_of, quantized

SMALL = {"image_shape": (8, 12, 3), "hidden_dim": 16, "depth": 2, "num_heads": 2, "mlp_dim": 24}
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 12, 3)).astype("uint8")


def filled(model):
    rng = np.random.default_rng(0)
    head = model.get_layer("head").kernel
    head.assign(rng.normal(size=head.shape))
    return model


@pytest.mark.parametrize(
    ("variant", "count"),
    [
        # from the tests of google-research/vision_transformer
        ("Ti/16", 5_717_416),
        ("S/16", 22_050_664),
        ("B/16", 86_567_656),
        ("B/32", 88_224_232),
        pytest.param("L/16", 304_326_632, marks=pytest.mark.slow),
        pytest.param("H/14", 632_045_800, marks=pytest.mark.slow),
    ],
)
def test_the_variants_have_the_published_numbers_of_parameters(variant, count):
    assert ViT.from_variant(variant).count_params() == count


def test_the_default_is_kunvit_with_its_published_number_of_parameters():
    assert ViT().count_params() == 6_268_810


@pytest.mark.parametrize("variant", ["B", "XL/16", "B/0", "b/16", "B/16/2"])
def test_an_unknown_variant_is_refused_by_name(variant):
    with pytest.raises(ValueError, match=variant):
        variant_arguments(variant)


@pytest.mark.backends
def test_the_head_starts_at_zero_so_every_class_is_as_likely():
    logits = ViT(**SMALL).predict(IMAGES, verbose=0)
    np.testing.assert_array_equal(logits, 0.0)


@pytest.mark.backends
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_logits_and_rescaling_are_float32_under_any_policy(policy):
    model = ViT(**SMALL, dtype=policy)
    assert model.output.dtype == "float32"
    assert model.get_layer("rescaling").compute_dtype == "float32"
    assert model.get_layer("block_0").compute_dtype == policy.removeprefix("mixed_")
    assert model.dtype_policy.name == policy


@pytest.mark.backends
def test_bytes_and_floats_give_the_same_logits():
    model = filled(ViT(**SMALL))
    np.testing.assert_array_equal(
        model.predict(IMAGES, verbose=0), model.predict(IMAGES.astype("float32"), verbose=0)
    )


@pytest.mark.backends
def test_mean_pooling_is_the_mean_of_the_normed_patches():
    model = ViT(**SMALL, pool="mean", class_token=True, num_registers=1, num_classes=0)
    assert model.num_prefix_tokens == 2
    tokens = keras.Model(model.input, model.get_layer("norm").output)
    expected = ops.convert_to_numpy(tokens(IMAGES.astype("float32")))[:, 2:].mean(axis=1)
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), expected, atol=1e-5)


def test_drop_path_grows_linearly_with_depth():
    model = ViT(**{**SMALL, "depth": 5}, drop_path=0.2)
    rates = [model.get_layer(f"block_{i}").drop_path for i in range(5)]
    np.testing.assert_allclose(rates, [0, 0.05, 0.1, 0.15, 0.2])


def test_the_names_of_the_weights_are_those_of_the_design():
    model = ViT(**SMALL, num_registers=1, pre_logits=8)
    paths = {variable.path for variable in model.weights}
    assert {
        "patch_encoder/class_token",
        "patch_encoder/positions",
        "patch_encoder/registers",
        "patch_encoder/projection/kernel",
        "block_0/norm_1/gamma",
        "block_0/attention/qkv/kernel",
        "block_0/attention/projection/bias",
        "block_1/norm_2/beta",
        "block_1/mlp/dense_1/kernel",
        "block_1/mlp/dense_2/kernel",
        "norm/gamma",
        "pre_logits/kernel",
        "head/kernel",
    } <= paths


@pytest.mark.backends
def test_the_config_rebuilds_the_model_under_another_global_policy():
    model = ViT(**SMALL, class_names=list("abcdefghij"), rescaling=[0.5, [1.0, 2.0, 3.0]])
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        again = ViT.from_config(model.get_config())
    finally:
        keras.config.set_dtype_policy("float32")
    assert again.get_config() == model.get_config()
    assert again.get_layer("block_0").compute_dtype == "float32"
    assert again.class_names == tuple("abcdefghij")


@pytest.mark.backends
@pytest.mark.parametrize("patch_embedding", ["linear", "stem"])
def test_a_quantised_model_comes_back_from_its_file(tmp_path, patch_embedding):
    model = filled(ViT(**SMALL, patch_embedding=patch_embedding))
    exact = filled(keras.models.clone_model(model))
    exact.set_weights(model.get_weights())
    exact = exact.predict(IMAGES, verbose=0)
    quantized(model)  # A fresh model: no prediction has built its parts by the way.
    quantised = model.predict(IMAGES, verbose=0)
    assert np.abs(quantised - exact).max() < 0.2 * np.abs(exact).max()
    assert model.get_layer("block_0").attention.qkv.kernel.dtype == "int8"
    model.save(tmp_path / "int8.keras")
    loaded = keras.saving.load_model(tmp_path / "int8.keras")
    assert loaded.get_layer("block_0").attention.qkv.kernel.dtype == "int8"
    np.testing.assert_array_equal(loaded.predict(IMAGES, verbose=0), quantised)


@pytest.mark.backends
def test_frozen_layers_stay_frozen_in_the_config():
    model = ViT(**SMALL)
    model.get_layer("block_0").trainable = False
    model.get_layer("block_1").mlp.trainable = False
    paths = [v.path for v in model.trainable_variables]
    for again in (ViT.from_config(model.get_config()), model.resized((16, 16, 3))):
        assert [v.path for v in again.trainable_variables] == paths
    model.trainable = False
    assert not ViT.from_config(model.get_config()).trainable_variables


@pytest.mark.backends
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_predicts_nearly_the_same(policy):
    model, low = filled(ViT(**SMALL)), ViT(**SMALL, dtype=policy)
    low.set_weights(model.get_weights())
    exact = model.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(
        low.predict(IMAGES, verbose=0), exact, atol=0.05 * np.abs(exact).max()
    )


@pytest.mark.backends
def test_intermediates_are_the_stages_of_the_same_forward_pass():
    model = filled(ViT(**SMALL))
    stages = intermediates(model)(IMAGES.astype("float32"))
    assert set(stages) == {"patch_encoder", "block_0", "block_1", "pooled", "logits"}
    again = model.get_layer("block_1")(stages["block_0"])
    np.testing.assert_allclose(
        ops.convert_to_numpy(again), ops.convert_to_numpy(stages["block_1"]), atol=1e-5
    )
    np.testing.assert_allclose(
        ops.convert_to_numpy(stages["logits"]), model.predict(IMAGES, verbose=0), atol=1e-5
    )
    with pytest.raises(ValueError, match="needs a model with Transformer blocks"):
        intermediates(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))


@pytest.mark.backends
@pytest.mark.parametrize("options", [{}, {"num_registers": 1, "fc_norm": True, "pre_logits": 6}])
def test_the_class_token_alone_gives_what_all_tokens_give(options):
    """A call's last block makes one token; the graph has them all."""
    model = filled(ViT(**SMALL, **options))
    whole = keras.Model(model.input, model.output)
    tokens = model.grid[0] * model.grid[1] + model.num_prefix_tokens
    for name in ("block_1", *(() if options else ("norm",))):
        assert model.get_layer(name).output.shape == (None, tokens, 16)
    logits = whole.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(
        model.predict(IMAGES, verbose=0), logits, atol=1e-5 * np.abs(logits).max()
    )

    targets = ops.convert_to_tensor(np.random.default_rng(1).normal(size=logits.shape), "float32")
    assert [v.path for v in whole.trainable_variables] == [
        v.path for v in model.trainable_variables
    ]

    def slopes_of(network):
        call = loss_and_gradients_of(
            network,
            IMAGES.astype("float32"),
            lambda outputs: ops.sum(outputs * targets),
            training=False,
        )
        return call([v.value for v in network.trainable_variables])[1]

    for one, all_ in zip(slopes_of(model), slopes_of(whole), strict=True):
        np.testing.assert_allclose(one, all_, atol=1e-4 * max(1.0, np.abs(all_).max()))


@pytest.mark.backends
def test_the_stages_and_the_answer_are_of_one_graph():
    """With dropout too: what hangs on a stage is what the answer is made of."""
    model = filled(ViT(**SMALL, dropout=0.5))
    stages = [model.get_layer(name).output for name in ("block_1", "pooled")]
    parts = keras.Model(model.input, [*stages, model.output])
    block, pooled, logits = parts(IMAGES.astype("float32"), training=True)
    again = model.get_layer("norm")(block)[:, 0]
    for found, right in ((again, pooled), (model.get_layer("head")(pooled), logits)):
        np.testing.assert_allclose(
            ops.convert_to_numpy(found), ops.convert_to_numpy(right), atol=1e-5
        )


BAD = {
    "5x5 pixels does not divide an image of 8x12": {"patch_size": 5},
    "must divide `hidden_dim`. Received: num_heads=3, hidden_dim=16": {"num_heads": 3},
    "'sum'": {"pool": "sum"},
    "'hybrid'": {"patch_embedding": "hybrid"},
    "`num_heads` must be a positive int. Received: num_heads=0": {"num_heads": 0},
    "`depth` must be a positive int. Received: depth=-1": {"depth": -1},
    "needs a class token": {"class_token": False},
    "Received: 2 class names, num_classes=10": {"class_names": ("a", "b")},
    "power of two": {"image_shape": (12, 12, 3), "patch_size": 3, "patch_embedding": "stem"},
    "square patch": {"patch_size": (4, 2), "patch_embedding": "stem"},
    r"\(height, width, channels\)": {"image_shape": (8, 12)},
    "'alibi'": {"relative_positions": "alibi"},
}


@pytest.mark.parametrize("message", BAD)
def test_arguments_that_do_not_fit_are_refused_by_name(message):
    with pytest.raises(ValueError, match=message):
        ViT(**{**SMALL, **BAD[message]})
