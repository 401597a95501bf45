import tracemalloc
import warnings

import numpy as np
import pytest
from PIL import Image

from keras_vit.data import StreamedImages, UnreadableImagesWarning, load_data
from keras_vit.data.image_file import image_file_shape, read_image
from keras_vit.train.batches import ResizedBatches, ShuffledBatches


@pytest.fixture(scope="module")
def photographs():
    """Two real photographs, 427×640."""
    from sklearn.datasets import load_sample_images

    return load_sample_images().images


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photographs):
    """Crops of many sizes: JPEG, PNG in grey and palette, one that lies on its side."""
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for name, photograph in zip(("china", "flower"), photographs, strict=True):
        (root / name).mkdir()
        for i in range(12):
            height, width = rng.integers(40, 200, 2)
            top, left = rng.integers(0, 427 - height), rng.integers(0, 640 - width)
            crop = Image.fromarray(photograph[top : top + height, left : left + width])
            path = root / name / f"{i}.{'png' if i % 3 == 0 else 'jpg'}"
            if i == 3:
                crop = crop.convert("L")
            elif i == 6:
                crop = crop.quantize(64)
            exif = Image.Exif()
            if i == 4:
                exif[0x0112] = 6
            crop.save(path, exif=exif)
    return root


def all_of(x):
    return x[:]


@pytest.mark.parametrize("seed", [0, 3])
def test_a_streamed_folder_is_the_one_in_memory(folder, seed):
    data = load_data(folder, image_size=(48, 64), seed=seed)
    stream = load_data(folder, image_size=(48, 64), seed=seed, stream=True)
    assert isinstance(stream.x_train, StreamedImages)
    assert stream.image_shape == data.image_shape == (48, 64, 3)
    assert stream.class_names == data.class_names
    for part in ("train", "test"):
        (x, y), (ours, labels) = getattr(data, part), getattr(stream, part)
        np.testing.assert_array_equal(y, labels)
        np.testing.assert_array_equal(x, all_of(ours))
        np.testing.assert_array_equal(x[[3, 0]], ours[[3, 0]])
        np.testing.assert_array_equal(x[-1], ours[-1])
        np.testing.assert_array_equal(x.take([2, 1], axis=0), all_of(ours.take([2, 1], axis=0)))
        assert (x.shape, x.dtype, x.ndim) == (ours.shape, ours.dtype, ours.ndim)


def test_a_grey_folder_has_one_channel_and_can_be_had_in_colours(tmp_path):
    for name, value in (("a", 10), ("b", 200)):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("L", (9, 7), value + i).save(tmp_path / name / f"{i}.png")
    grey = load_data(tmp_path, stream=True)
    assert grey.image_shape == (7, 9, 1)
    colours = grey.x_train.with_channels(3)
    assert colours.shape[1:] == (7, 9, 3)
    np.testing.assert_array_equal(colours[:], np.repeat(grey.x_train[:], 3, axis=-1))


def test_the_shape_is_found_without_the_pixels(folder):
    for path in folder.rglob("*.*g"):
        assert image_file_shape(path) == read_image(path).shape
        assert image_file_shape(path, (5, 6)) == read_image(path, (5, 6)).shape


def test_unreadable_files_are_refused_or_left_out_as_in_memory(folder, tmp_path, photographs):
    root = tmp_path / "photos"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
        for i in range(4):
            Image.fromarray(photographs[0][i : i + 90, :80]).save(root / name / f"{i}.jpg")
    whole = (root / "a" / "1.jpg").read_bytes()
    (root / "a" / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "b" / "2.jpg").write_bytes(b"no picture")
    messages = set()
    for stream in (False, True):
        with pytest.raises(ValueError, match=r"a/1.jpg: Pillow can't read this image: ") as error:
            load_data(root, image_size=8, stream=stream)
        messages.add(str(error.value)[:60])
    assert len(messages) == 1
    parts = []
    for stream in (False, True):
        with pytest.warns(UnreadableImagesWarning) as caught:
            parts.append(load_data(root, image_size=8, skip_bad=True, stream=stream))
        assert {p.name for p in caught[0].message.paths} == {"1.jpg", "2.jpg"}
    np.testing.assert_array_equal(parts[0].x_train, parts[1].x_train[:])
    with pytest.raises(ValueError, match="The images differ in size"):
        load_data(folder, stream=True)


def test_a_file_that_vanishes_later_is_named(folder):
    x = StreamedImages([*folder.rglob("*.png"), folder / "gone.png"], (8, 8), 3)
    with pytest.raises(ValueError, match=r"gone.png: Pillow can't read this image any more"):
        x[:]
    with pytest.raises(TypeError, match="too many for one array"):
        np.asarray(x)


def test_the_batches_are_those_of_the_array_in_every_epoch(folder):
    x, y = load_data(folder, image_size=32).train
    stream, _ = load_data(folder, image_size=32, stream=True).train
    ours, theirs = ShuffledBatches(stream, y, 4, seed=5), ShuffledBatches(x, y, 4, seed=5)
    for epoch in (2, 0):
        for batches in (ours, theirs):
            batches.start_epoch(epoch)
        for index in (*range(len(ours)), 1):  # Keras may ask for one again
            for a, b in zip(ours[index], theirs[index], strict=True):
                np.testing.assert_array_equal(a, b)
    resized = ResizedBatches(stream, y, (24, 24), 5), ResizedBatches(x, y, (24, 24), 5)
    assert len(resized[0]) == len(resized[1])
    for a, b in zip(*resized, strict=True):
        np.testing.assert_array_equal(a[0], b[0])


def test_memory_does_not_grow_with_the_folder(folder):
    """Ten times as many files, the same peak: two batches, not all of 30 MB."""
    paths = sorted(folder.rglob("*.jpg"))

    def peak(times):
        x = StreamedImages(paths * times, (128, 128), 3)
        batches = ShuffledBatches(x, np.zeros(len(x)), 8)
        batches[0]  # the threads, and Pillow
        tracemalloc.start()
        for i in range(len(batches)):
            batches[i]
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most, x.shape[0] * 128 * 128 * 3

    few, _ = peak(4)
    many, everything = peak(40)
    assert many < 1.3 * few
    assert many < everything / 10


@pytest.mark.parametrize(("limit", "streamed"), [(0, True), (2**31, False)])
def test_a_folder_that_would_take_too_much_is_streamed(folder, monkeypatch, limit, streamed):
    monkeypatch.setattr("keras_vit.data.image_folder.MAX_BYTES_IN_MEMORY", limit)
    data = load_data(folder, image_size=16, stream=None)
    assert isinstance(data.x_train, StreamedImages) == streamed


def test_what_is_counted_is_the_pixels_in_colours(folder, monkeypatch):
    monkeypatch.setattr("keras_vit.data.image_folder.MAX_BYTES_IN_MEMORY", 24 * 16 * 16 * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = [load_data(folder, image_size=side, stream=None) for side in (16, 17)]
    assert [isinstance(d.x_train, StreamedImages) for d in data] == [False, True]
