import io
import pickle
import zipfile

import numpy as np
import pytest

from keras_vit.data import load_data

RANDOM = np.random.default_rng(0)
ARRAYS = {
    "x_train": RANDOM.integers(0, 256, (12, 5, 6, 3), "uint8"),
    "y_train": np.arange(12) % 3,
    "x_test": RANDOM.integers(0, 256, (4, 5, 6, 3), "uint8"),
    "y_test": np.array([2, 0, 1, 1]),
}


@pytest.fixture
def save(tmp_path):
    def save(without=(), **changes):
        path = tmp_path / "data.npz"
        arrays = {**ARRAYS, **changes}
        np.savez(path, **{k: v for k, v in arrays.items() if k not in without})
        return path

    return save


def check_error(path, *parts):
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the parts are matched below
        load_data(path)
    for part in (str(path), *parts):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_arrays_come_as_they_are(save):
    data = load_data(save())
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(getattr(data, name), array)
    assert data.class_names == ("0", "1", "2")
    assert (data.x_train.dtype, data.y_train.dtype) == ("uint8", "int32")
    assert data.image_shape == (5, 6, 3)


def test_channel_axis_and_flat_labels(save):
    data = load_data(
        save(
            x_train=ARRAYS["x_train"][..., 0],
            x_test=ARRAYS["x_test"][..., 0],
            y_train=ARRAYS["y_train"][:, None].astype("uint8"),
        )
    )
    np.testing.assert_array_equal(data.x_train, ARRAYS["x_train"][..., :1])
    np.testing.assert_array_equal(data.y_train, ARRAYS["y_train"])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint16"])
def test_whole_values_of_other_types_are_converted(save, dtype):
    data = load_data(save(x_train=ARRAYS["x_train"].astype(dtype)))
    assert data.x_train.dtype == "uint8"
    np.testing.assert_array_equal(data.x_train, ARRAYS["x_train"])


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_class_names(save, dtype):
    data = load_data(save(class_names=np.array(["cat", "dog", "eel", "fox"], dtype)))
    assert data.class_names == ("cat", "dog", "eel", "fox")
    assert data.num_classes == 4


def test_without_a_test_part_one_is_split_off(save):
    path = save(without=["x_test", "y_test"])
    data = load_data(path, test_fraction=0.25, seed=5)
    assert np.bincount(data.y_train).tolist() == [3, 3, 3]
    assert np.bincount(data.y_test).tolist() == [1, 1, 1]
    both = np.concatenate([data.x_train, data.x_test])
    assert {x.tobytes() for x in both} == {x.tobytes() for x in ARRAYS["x_train"]}
    for image, label in zip(both, [*data.y_train, *data.y_test], strict=True):
        index = next(i for i, x in enumerate(ARRAYS["x_train"]) if (x == image).all())
        assert label == ARRAYS["y_train"][index]
    np.testing.assert_array_equal(data.x_test, load_data(path, None, None, 0.25, 5).x_test)


@pytest.mark.parametrize("keys", [["x_train"], ["y_train"], ["y_test"], ["x_test"]])
def test_missing_arrays(save, keys):
    left = sorted(set(ARRAYS) - set(keys))
    check_error(save(without=keys), f"{keys} are missing", f"Received: {left}")


@pytest.mark.parametrize(
    ("images", "parts"),
    [
        (np.zeros((12, 30), "uint8"), ["(N, H, W, C)", "shape (12, 30)"]),
        (np.zeros((0, 5, 6, 3), "uint8"), ["shape (0, 5, 6, 3)"]),
        (np.zeros((12, 3, 5, 6), "uint8"), ["channels last", "shape (12, 3, 5, 6)"]),
        (np.zeros((12, 5, 6, 3), "bool"), ["must be uint8", "Received: bool"]),
        (np.full((12, 5, 6, 3), "a"), ["must be uint8", "Received: <U1"]),
        (
            np.linspace(0, 1, 12 * 90).reshape(12, 5, 6, 3),
            ["multiplied", "float64 from 0.0 to 1.0"],
        ),
        (np.ones((12, 5, 6, 3), "float32"), ["multiplied", "float32 from 1.0 to 1.0"]),
        (np.full((12, 5, 6, 3), 100.5), ["from 100.5 to 100.5"]),
        (np.full((12, 5, 6, 3), np.nan), ["from nan to nan"]),
        (np.full((12, 5, 6, 3), -1), ["int64 from -1 to -1"]),
        (np.full((12, 5, 6, 3), 256), ["int64 from 256 to 256"]),
        (np.zeros((12, 5, 7, 3), "uint8"), ["one shape", "(5, 7, 3)", "(5, 6, 3)"]),
    ],
)
def test_images_that_are_none(save, images, parts):
    check_error(save(x_train=images), "'x_train'", *parts)


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        (np.eye(12), ["(N,) or (N, 1)", "float64, shape (12, 12)"]),
        (np.zeros(12), ["integer labels", "float64, shape (12,)"]),
        (np.array(["cat"] * 12), ["integer labels", "<U3"]),
        (np.arange(11), ["Received: 11 labels, 12 images"]),
        (np.arange(12) - 1, ["the label -1"]),
        (np.full(12, 2**40), [f"the label {2**40}"]),
    ],
)
def test_labels_that_are_none(save, labels, parts):
    check_error(save(y_train=labels), "'y_train'", *parts)


def test_labels_that_are_no_classes(save):
    check_error(save(y_train=np.arange(12) + 1900), "the label 1911 among 12 training images")


def test_test_label_beyond_the_classes(save):
    check_error(save(y_test=np.array([0, 1, 7, 2])), "'y_test'", "below 3", "the label 7")


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["cat", "dog"], ["'y_train'", "below 2", "the label 2"]),
        (["cat", "dog", "cat"], ["'class_names'", "['cat'] more than once"]),
        ([1, 2, 3], ["'class_names'", "int64, shape (3,)"]),
        ([["cat", "dog", "eel"]], ["'class_names'", "shape (1, 3)"]),
    ],
)
def test_wrong_class_names(save, names, parts):
    check_error(save(class_names=np.array(names)), *parts)


def test_no_class_can_be_split(save):
    path = save(without=["x_test", "y_test"], x_train=ARRAYS["x_train"][:3], y_train=np.arange(3))
    check_error(path, "must hold 'x_test'", "Received: 3 images of 3 classes")


class Exploit:
    ran = False

    def __reduce__(self):
        return setattr, (Exploit, "ran", True)


def test_pickles_are_never_loaded(tmp_path, save):
    check_error(save(y_train=np.array([Exploit()], object)), "'y_train'", "Object arrays")

    bare = tmp_path / "bare.npz"
    bare.write_bytes(pickle.dumps(Exploit()))
    check_error(bare, "is not a `.npz` file")

    member = tmp_path / "member.npz"
    with zipfile.ZipFile(member, "w") as archive:
        for name in ARRAYS:
            archive.writestr(f"{name}.npy", pickle.dumps(Exploit()))
    check_error(member, "'x_test'")
    assert not Exploit.ran


def test_truncated_at_any_place(tmp_path, save):
    content = save().read_bytes()
    path = tmp_path / "short.npz"
    for size in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        check_error(path, "is not a `.npz` file")


def test_damaged_inside(tmp_path, save):
    content = bytearray(save().read_bytes())
    content[content.index(b"NUMPY") + 200] ^= 255
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    check_error(path, "numpy can't read 'x_train'", "CRC")


def test_an_array_alone(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, ARRAYS["x_train"])
    path = tmp_path / "alone.npz"
    path.write_bytes(buffer.getvalue())
    check_error(path, "is not a `.npz` file")
