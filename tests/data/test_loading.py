import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits as sklearn_digits

import keras_vit.data
from keras_vit.data import ImageData, load_data


def test_digits_are_scikit_learns_scaled_to_255():
    data = load_data("digits")
    assert data.image_shape == (8, 8, 1)
    assert data.class_names == tuple("0123456789")
    assert (data.x_train.dtype, data.y_train.dtype) == ("uint8", "int32")
    assert len(data.x_train) + len(data.x_test) == 1797

    # 255 / 16 is no whole number, and back again must give every pixel of the original.
    def as_set(images, labels):
        return {(label, image.tobytes()) for label, image in zip(labels, images, strict=True)}

    source = sklearn_digits()
    loaded = np.concatenate([data.x_train, data.x_test])[..., 0]
    labels = np.concatenate([data.y_train, data.y_test])
    original = np.rint(loaded.astype("float64") * 16 / 255).astype("uint8")
    assert as_set(original, labels) == as_set(source.images.astype("uint8"), source.target)
    assert loaded.max() == 255


def test_digits_split_is_stratified_and_fixed_by_the_seed():
    data, again, other = load_data("digits"), load_data("digits"), load_data("digits", seed=1)
    np.testing.assert_array_equal(data.x_test, again.x_test)
    np.testing.assert_array_equal(data.y_train, again.y_train)
    assert not np.array_equal(data.y_test, other.y_test)
    counts = np.bincount(sklearn_digits().target)
    np.testing.assert_array_equal(np.bincount(data.y_test), np.rint(counts * 0.2))


def test_digits_split_outlives_versions_of_numpy():
    assert load_data("digits").y_train[:12].tolist() == [3, 7, 1, 3, 1, 3, 4, 4, 2, 4, 3, 5]


def test_digits_without_scikit_learn_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError) as caught:
        load_data("digits")
    message = str(caught.value)
    assert "scikit-learn, which is not installed: pip install scikit-learn" in message
    assert message.endswith("its extra recipes")
    assert "\n" not in message


def test_the_pairs_are_those_that_fit_and_evaluate_take():
    data = load_data("digits")
    assert isinstance(data, ImageData)
    assert data.train[0] is data.x_train
    assert data.train[1] is data.y_train
    assert data.test[0] is data.x_test
    assert data.test[1] is data.y_test
    assert data.num_classes == 10
    x_train, _y_train, _x_test, _y_test, class_names = data
    assert x_train is data.x_train
    assert class_names == data.class_names


def test_image_size_resizes_named_data_too():
    data = load_data("digits", image_size=(16, 12))
    assert data.image_shape == (16, 12, 1)
    assert data.x_test.shape == (359, 16, 12, 1)


@pytest.mark.parametrize(
    "arguments",
    [
        {"test_fraction": 0},
        {"test_fraction": 1.0},
        {"test_fraction": "0.2"},
        {"seed": -1},
        {"seed": 0.5},
        {"image_size": 0},
        {"image_size": (8, 8, 3)},
        {"image_size": 8.0},
    ],
)
def test_wrong_arguments_are_named(arguments):
    [(name, value)] = arguments.items()
    with pytest.raises(ValueError, match=f"`{name}` must") as caught:
        load_data("digits", **arguments)
    assert f"Received: {name}={value!r}" in str(caught.value)


def test_an_unknown_source_lists_what_there_is(tmp_path):
    (tmp_path / "flowers").mkdir()
    with pytest.raises(ValueError, match="must be the name of a data set") as caught:
        load_data(tmp_path / "flower")
    message = str(caught.value)
    assert message.endswith(f"Received: source={str(tmp_path / 'flower')!r}, which does not exist")
    assert "digits, mnist, cifar10, cifar100" in message
    assert f"{str(tmp_path)!r} holds flowers." in message


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("1,2")
    with pytest.raises(ValueError, match=r"must be a `\.npz` file.*data\.csv"):
        load_data(str(path))


def test_what_the_system_refuses_is_named(tmp_path, monkeypatch):
    def iterdir(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(ValueError, match=r"can't read it: .*Permission denied") as caught:
        load_data(tmp_path)
    assert str(caught.value).startswith(str(tmp_path))


def test_a_name_is_no_path_and_a_path_no_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert len(load_data("digits").x_train) == 1438
    with pytest.raises(
        ValueError, match=r"two classes or more\. Received: a folder that holds nothing"
    ):
        load_data("./digits")


def test_import_is_light():
    # The package's own __init__ imports Keras, so a bare package stands in for it.
    code = (
        "import sys, types; package = types.ModuleType('keras_vit'); "
        f"package.__path__ = [{str(Path(keras_vit.data.__file__).parents[1])!r}]; "
        "sys.modules['keras_vit'] = package; "
        "import keras_vit.data; "
        "heavy = {'tensorflow', 'jax', 'torch', 'tensorflow_datasets', 'sklearn', 'PIL', 'keras'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
