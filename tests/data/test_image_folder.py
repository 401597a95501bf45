import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_vit.data import PassedOverWarning, UnreadableImagesWarning, load_data


def write(path, value, size=(6, 6), mode="L"):
    """An image of one value, which then tells which file it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * 3).save(path)
    return path


def truncate(path):
    """Cuts a valid image of many bytes in half."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), "uint8")
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


@pytest.fixture
def folder(tmp_path):
    """Ten cats of 0 … 9, five dogs of 100 … 104, one eel of 200."""
    root = tmp_path / "pets"
    for i in range(10):
        write(root / "cat" / f"{i}.png", i)
    for i in range(5):
        write(root / "dog" / f"{i}.png", 100 + i)
    write(root / "eel" / "0.png", 200)
    return root


def values(images):
    return images[:, 0, 0, 0].tolist()


def error(*arguments, **options):
    with pytest.raises(ValueError) as caught:  # noqa: PT011, callers match the message
        load_data(*arguments, **options)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_classes_labels_and_split(folder):
    data = load_data(str(folder))
    assert data.class_names == ("cat", "dog", "eel")
    assert data.image_shape == (6, 6, 1)
    assert (data.x_train.dtype, data.y_train.dtype) == ("uint8", "int32")
    assert np.bincount(data.y_train).tolist() == [8, 4, 1]
    assert np.bincount(data.y_test).tolist() == [2, 1]
    for images, labels in (data.train, data.test):
        assert [value // 100 for value in values(images)] == labels.tolist()
    everything = [*range(10), *range(100, 105), 200]
    assert sorted(values(data.x_train) + values(data.x_test)) == everything


def test_same_seed_same_split_whatever_the_file_system_lists(folder, monkeypatch):
    data, other = load_data(folder), load_data(folder, seed=1)

    def backwards(function):
        return lambda *arguments: reversed(list(function(*arguments)))

    def walk(top):
        for place, folders, files in real_walk(top):
            yield place, folders, files[::-1]

    real_walk = os.walk
    monkeypatch.setattr(Path, "iterdir", backwards(Path.iterdir))
    monkeypatch.setattr(os, "walk", walk)
    again = load_data(folder)
    for name in ("x_train", "y_train", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(data, name), getattr(again, name))
    assert values(data.x_test) != values(other.x_test)


def test_grey_and_colour_together_are_colour(folder):
    assert load_data(folder).image_shape == (6, 6, 1)
    write(folder / "dog" / "colour.jpg", 100, mode="RGB")
    data = load_data(folder)
    assert data.image_shape == (6, 6, 3)
    assert (data.x_train == data.x_train[..., :1]).all()


def test_sizes_that_differ_need_image_size(folder):
    write(folder / "dog" / "big.png", 100, size=(20, 10))
    message = error(folder)
    assert "`image_size` must be given" in message
    assert f"6×6 in {folder / 'cat' / '0.png'}" in message
    assert f"10×20 in {folder / 'dog' / 'big.png'}" in message

    data = load_data(folder, image_size=(8, 5))
    assert data.image_shape == (8, 5, 1)
    assert [value // 100 for value in values(data.x_train)] == data.y_train.tolist()


def test_upright_before_sizes_are_compared(folder):
    for path in folder.rglob("*.png"):
        write(path, 50, size=(6, 4))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (4, 6), 50).save(folder / "cat" / "turned.jpg", exif=exif)
    assert load_data(folder).image_shape == (4, 6, 1)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        *[("train", test) for test in ("test", "val", "valid", "validation", "eval", "holdout")],
        *[("Training", "Testing"), ("Train", "Test"), ("TRAIN", "VALID"), ("train", "dev")],
    ],
)
@pytest.mark.parametrize("wrapper", ["", "archive/data"])
def test_parts_are_known_by_their_usual_names(tmp_path, train, test, wrapper):
    root = tmp_path / "photos"
    for name, value in (("cat", 0), ("dog", 100)):
        for i in range(3):
            write(root / wrapper / train / name / f"{i}.png", value + i)
        write(root / wrapper / test / name / "0.png", value + 50)
    data = load_data(root)
    assert data.class_names == ("cat", "dog")
    assert sorted(values(data.x_train)) == [0, 1, 2, 100, 101, 102]
    assert sorted(values(data.x_test)) == [50, 150]


def test_of_three_parts_the_test_part_comes_before_the_one_for_validation(tmp_path):
    for part, value in (("train", 0), ("valid", 50), ("holdout", 70)):
        for name, more in (("cat", 0), ("dog", 100)):
            write(tmp_path / part / name / "0.png", value + more)
    assert sorted(values(load_data(tmp_path).x_test)) == [70, 170]


def test_folders_that_look_like_parts_are_no_classes(tmp_path):
    for part in ("fold1", "fold2"):
        for name in ("cat", "dog"):
            write(tmp_path / part / name / "0.png", 0)
    message = error(tmp_path)
    assert "fold1, fold2 hold folders of the same names (cat, dog)" in message
    assert "'train'" in message
    write(tmp_path / "fold1" / "0.png", 0)  # an image of its own makes it a class
    assert load_data(tmp_path).class_names == ("fold1", "fold2")


def test_a_lone_folder_around_the_classes_is_entered(folder):
    lone = folder.with_name("download")
    lone.mkdir()
    folder.rename(lone / "pets")
    assert load_data(lone).class_names == ("cat", "dog", "eel")


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".gif", ".jfif"])
def test_other_common_formats_are_read(folder, suffix):
    kind = "JPEG" if suffix == ".jfif" else None
    for i in range(4):
        Image.new("L", (6, 6), 30 + i).save(folder / "cat" / f"more{i}{suffix}", kind)
    data = load_data(folder)
    assert {30, 31, 32, 33} < {*values(data.x_train), *values(data.x_test)}


def test_what_is_not_read_is_counted_and_named(folder):
    for name in ("a.heic", "b.HEIC", "c.psd"):
        (folder / "cat" / name).write_bytes(b"of another kind")
    (folder / "cat" / "notes.txt").write_text("no image")
    with pytest.warns(PassedOverWarning, match=r"2 \.heic, 1 \.psd\. It reads \.png"):
        load_data(folder)


def test_a_picture_of_floats_has_no_range_and_is_refused(folder):
    Image.fromarray(np.ones((6, 6), "float32")).save(folder / "cat" / "float.tiff")
    assert "its pixels are floats" in error(folder)


def test_printed_it_is_one_short_line(folder):
    said = repr(load_data(folder))
    assert said == "ImageData(13 training and 3 test images of 6x6x1, 3 classes: cat, dog, eel)"


def test_own_train_and_test_folders_are_kept(tmp_path):
    for name, value in (("cat", 0), ("dog", 100)):
        for i in range(6):
            write(tmp_path / "train" / name / f"{i}.png", value + i)
        write(tmp_path / "val" / name / "0.png", value + 50)
    data = load_data(tmp_path)
    assert sorted(values(data.x_train)) == [*range(6), *range(100, 106)]
    assert values(data.x_train) != sorted(values(data.x_train))
    assert [value // 100 for value in values(data.x_train)] == data.y_train.tolist()
    assert (values(data.x_test), data.y_test.tolist()) == ([50, 150], [0, 1])

    for name, value in (("cat", 60), ("dog", 160)):
        write(tmp_path / "test" / name / "0.png", value)
    assert values(load_data(tmp_path).x_test) == [60, 160]


def test_train_and_test_of_other_classes(tmp_path):
    for place in ("train/cat", "train/dog", "test/cat", "test/eel"):
        write(tmp_path / place / "0.png", 0)
    message = error(tmp_path)
    assert str(tmp_path / "train") in message
    assert message.endswith("Received: dog, eel in only one of them")


def test_what_is_hidden_or_no_image_is_ignored(folder):
    before = load_data(folder)
    for name in (".DS_Store", "cat/.DS_Store", "cat/Thumbs.db", "cat/notes.txt", "cat/._1.png"):
        (folder / name).write_bytes(b"no image")
    write(folder / ".git" / "0.png", 0)
    write(folder / "__MACOSX" / "0.png", 0)
    after = load_data(folder)
    assert after.class_names == before.class_names
    np.testing.assert_array_equal(after.x_train, before.x_train)


def test_capital_suffixes_and_folders_inside_class_folders(folder):
    write(folder / "eel" / "2024" / "1.PNG", 201)
    data = load_data(folder)
    assert sorted(values(data.x_train) + values(data.x_test))[-2:] == [200, 201]


@pytest.mark.parametrize("name", ["bad.png", "bad.jpg", "bad.webp"])
def test_unreadable_images_are_named(folder, name):
    path = truncate(folder / "dog" / name)
    assert error(folder, image_size=6).startswith(f"{path}: Pillow can't read this image: ")


def test_unreadable_images_are_left_out_on_request(folder):
    bad = [truncate(folder / "cat" / "a.jpg"), folder / "dog" / "b.png"]
    bad[1].write_bytes(b"")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = load_data(folder, skip_bad=True)
    [warning] = caught
    assert warning.category is UnreadableImagesWarning
    assert warning.message.paths == tuple(bad)
    expected = f"load_data left out 2 unreadable images: {bad[0]}, {bad[1]}"
    assert str(warning.message) == expected
    assert warning.filename == __file__
    assert len(data.x_train) + len(data.x_test) == 16
    assert [value // 100 for value in values(data.x_train)] == data.y_train.tolist()


def test_a_long_warning_is_cut():
    text = str(UnreadableImagesWarning([f"{i}.png" for i in range(13)]))
    assert text.startswith("load_data left out 13 unreadable images: 0.png, 1.png")
    assert text.endswith("9.png and 3 more")


@pytest.mark.filterwarnings("ignore::keras_vit.data.UnreadableImagesWarning")
def test_a_class_with_unreadable_images_alone(folder):
    truncate(folder / "eel" / "0.png")
    message = error(folder, skip_bad=True)
    assert message.startswith(f"{folder / 'eel'}: the class folder must hold a readable image")


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there")
def test_a_class_name_that_is_not_utf_8(folder):
    write(folder / os.fsdecode(b"caf\xe9") / "0.png", 1)
    with pytest.raises(ValueError, match=r"must be UTF-8 text. Received: b'caf\\xe9'"):
        load_data(folder)


def test_an_empty_class_folder(folder):
    (folder / "fox").mkdir()
    (folder / "fox" / "notes.txt").write_text("none yet")
    message = error(folder)
    assert message.startswith(f"{folder / 'fox'}: the class folder must hold an image file")
    assert ".png, .jpg, .jpeg, .jfif, .webp, .bmp, .gif, .tif, .tiff" in message
    assert message.endswith("Received: a folder that holds notes.txt")


def test_no_class_folders(tmp_path):
    assert error(tmp_path).endswith("two classes or more. Received: a folder that holds nothing")
    write(tmp_path / "0.png", 0)
    write(tmp_path / "train" / "cat" / "0.png", 0)
    message = error(tmp_path)
    assert message.startswith(
        f"{tmp_path}: the folder must hold a folder of images for each of two"
    )
    assert message.endswith("Received: a folder that holds 0.png, train")


def test_nothing_left_for_testing(tmp_path):
    for name in ("cat", "dog"):
        write(tmp_path / name / "0.png", 0)
    message = error(tmp_path)
    assert "no image is left for the test part" in message
    assert message.endswith("Received: 2 images in 2 classes")


def test_a_thousand_images_show_a_bar(tmp_path, capsys):
    for name in ("cat", "dog"):
        source = write(tmp_path / name / "0.png", 7)
        for i in range(1, 500):
            os.link(source, source.with_name(f"{i}.png"))
    data = load_data(tmp_path)
    assert len(data.x_train) == 800
    assert "1000/1000" in capsys.readouterr().out
