"""Properties that every layer of augment/ has."""

import keras
import numpy as np
import pytest

from keras_vit.augment import AutoAugment, Mixing, RandomAffine, RandomCrop, RandomResizedCrop

pytestmark = pytest.mark.backends

LAYERS = {
    "AutoAugment": lambda seed=0: AutoAugment(seed=seed),
    "AutoAugment bilinear": lambda seed=0: AutoAugment(
        levels="omihub777", fill_value=128, interpolation="bilinear", seed=seed
    ),
    "RandomAffine": lambda seed=0: RandomAffine(20, 3, 9.5, "bilinear", seed=seed),
    "RandomCrop": lambda seed=0: RandomCrop(padding=3, fill_value=7.5, seed=seed),
    "RandomCrop mirrored": lambda seed=0: RandomCrop(3, seed=seed, fill_mode="reflect"),
    "RandomResizedCrop": lambda seed=0: RandomResizedCrop(24, 20, scale=(0.3, 0.9), seed=seed),
    "Mixing": lambda seed=0: Mixing(mixup=0.4, cutmix=1.0, seed=seed),
    "RandomFlip": lambda seed=0: keras.layers.RandomFlip("horizontal", seed=seed),
}
OURS = [name for name in LAYERS if name != "RandomFlip"]
IMAGE_TO_IMAGE = [name for name in OURS if name != "Mixing"]


def images_of(outputs):
    outputs = outputs[0] if isinstance(outputs, (tuple, list)) else outputs
    return keras.ops.convert_to_numpy(outputs)


@pytest.fixture
def copies(photographs):
    """Four photographs, each sixteen times, an array (64, 32, 32, 3) float32."""
    return np.repeat(photographs, 16, axis=0).astype("float32")


@pytest.mark.parametrize("name", LAYERS)
def test_compiles_and_draws_per_image_and_per_call(name, compiled, copies):
    layer = LAYERS[name]()
    assert layer.supports_jit
    call = compiled(layer)
    first, second = images_of(call(copies)), images_of(call(copies))
    assert np.any(first != second)
    for of_same_input in first.reshape(4, 16, -1):
        assert len(np.unique(of_same_input, axis=0)) > 1


@pytest.mark.parametrize("name", LAYERS)
def test_same_seed_gives_the_same_sequence(name, photographs):
    one, two, other = LAYERS[name](5), LAYERS[name](5), LAYERS[name](6)
    first = images_of(one(photographs))
    np.testing.assert_array_equal(first, images_of(two(photographs)))
    np.testing.assert_array_equal(images_of(one(photographs)), images_of(two(photographs)))
    assert np.any(first != images_of(other(photographs)))


@pytest.mark.parametrize("name", OURS)
def test_white_stays_in_range(name):
    outputs = images_of(LAYERS[name]()(np.full((64, 32, 32, 3), 255, "uint8")))
    assert outputs.max() <= 255


@pytest.mark.parametrize("name", OURS)
def test_uint8_and_float_give_the_same_float32_in_range(name, photographs):
    outputs = images_of(LAYERS[name]()(photographs))
    assert outputs.dtype == np.float32
    assert outputs.min() >= 0
    assert outputs.max() <= 255
    np.testing.assert_array_equal(outputs, images_of(LAYERS[name]()(photographs.astype("float32"))))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("name", OURS)
def test_float32_under_any_global_policy(name, policy, photographs):
    plain = images_of(LAYERS[name]()(photographs))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        mixed = images_of(LAYERS[name]()(photographs))
    finally:
        keras.config.set_dtype_policy(before)
    assert mixed.dtype == np.float32
    np.testing.assert_array_equal(plain, mixed)


@pytest.mark.parametrize("name", OURS)
def test_another_dtype_is_refused(name):
    layer_class = type(LAYERS[name]())
    sizes = {"height": 8, "width": 8} if layer_class is RandomResizedCrop else {}
    with pytest.raises(ValueError, match="Received: dtype=float16"):
        layer_class(**sizes, dtype="float16")


@pytest.mark.parametrize("name", IMAGE_TO_IMAGE)
def test_single_image_is_a_batch_of_one(name, photographs):
    batch = images_of(LAYERS[name]()(photographs[:1]))
    single = images_of(LAYERS[name]()(photographs[0]))
    np.testing.assert_array_equal(single, batch[0])


@pytest.mark.parametrize("name", OURS)
def test_one_channel(name, photographs):
    outputs = images_of(LAYERS[name]()(photographs[..., :1]))
    assert outputs.shape[-1] == 1
    assert np.all(np.isfinite(outputs))


@pytest.mark.parametrize("name", IMAGE_TO_IMAGE)
def test_another_rank_is_refused(name):
    with pytest.raises(ValueError, match=r"Received: shape=\(32, 32\)"):
        LAYERS[name]()(np.zeros((32, 32), "float32"))


@pytest.mark.parametrize("name", OURS)
def test_inference_leaves_the_image(name, photographs):
    layer = LAYERS[name]()
    if name == "RandomResizedCrop":
        layer = RandomResizedCrop(32, 32)
    outputs = images_of(layer(photographs, training=False))
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs, photographs)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("seed", [None, 3])
def test_config_round_trip(name, seed, photographs):
    layer = LAYERS[name](seed)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.get_config()["seed"] == seed
    if seed is not None:
        np.testing.assert_array_equal(images_of(layer(photographs)), images_of(again(photographs)))


@pytest.mark.parametrize("name", OURS)
def test_saved_model_loads_by_itself(name, tmp_path, photographs):
    inputs = keras.Input((32, 32, 3))
    model = keras.Model(inputs, LAYERS[name](3)(inputs))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    layer = again.layers[-1]
    assert layer.get_config() == model.layers[-1].get_config()
    np.testing.assert_array_equal(
        images_of(again(photographs, training=True)), images_of(model(photographs, training=True))
    )


@pytest.mark.parametrize("name", OURS)
def test_symbolic_shapes_and_dtypes_are_the_real_ones(name, photographs):
    layer = LAYERS[name]()
    symbolic = keras.tree.flatten(layer(keras.Input((32, 32, 3), batch_size=4)))
    real = keras.tree.flatten(layer(photographs))
    for spec, value in zip(symbolic, real, strict=True):
        assert tuple(spec.shape) == tuple(value.shape)
        assert spec.dtype == keras.backend.standardize_dtype(value.dtype)


@pytest.mark.parametrize("name", IMAGE_TO_IMAGE)
def test_trains_inside_a_jitted_sequential(name, photographs):
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            LAYERS[name](),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ]
    )
    jit = keras.backend.backend() != "torch"
    model.compile("sgd", "mse", jit_compile=jit)
    assert model.jit_compile == jit
    model.fit(photographs / 255.0, np.zeros((4, 2)), batch_size=2, verbose=0)


@pytest.mark.parametrize("name", OURS)
def test_in_tf_data_on_every_backend(name, photographs):
    tf = pytest.importorskip("tensorflow")
    layer = LAYERS[name]()
    images = np.repeat(photographs, 4, axis=0)
    data = tf.data.Dataset.from_tensor_slices(images).repeat(2).batch(16).map(layer)
    first, second = (images_of_tf(batch) for batch in data)
    assert first.dtype == np.float32
    assert np.any(first != second)
    assert len(np.unique(first[:4].reshape(4, -1), axis=0)) > 1


@pytest.mark.parametrize("name", IMAGE_TO_IMAGE)
def test_in_tf_data_on_single_images(name, photographs):
    tf = pytest.importorskip("tensorflow")
    layer = LAYERS[name]()
    data = tf.data.Dataset.from_tensor_slices(photographs[:1]).repeat(16).map(layer)
    outputs = np.stack([images_of_tf(image) for image in data])
    assert outputs.shape[1:] == layer.compute_output_shape((32, 32, 3))
    assert len(np.unique(outputs.reshape(16, -1), axis=0)) > 1


def images_of_tf(outputs):
    return (outputs[0] if isinstance(outputs, tuple) else outputs).numpy()
