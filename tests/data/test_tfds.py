"""tensorflow-datasets' real CIFAR builders, on a few made-up records; nothing is downloaded."""

import io
import logging
import subprocess
import sys

import numpy as np
import pytest

from keras_vit.data import DataUnavailableError, load_data
from keras_vit.data import tfds as reader

tfds = pytest.importorskip("tensorflow_datasets")

TRAIN_IMAGES = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), "uint8")
TEST_IMAGES = TRAIN_IMAGES[::-1][:4]
TRAIN_LABELS = np.arange(10)
TEST_LABELS = np.array([3, 1, 4, 1])


def write_records(path, images, labels, coarse):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    columns = [labels[:, None] // 5, labels[:, None]] if coarse else [labels[:, None]]
    path.write_bytes(np.concatenate([*columns, planes], axis=1).astype("uint8").tobytes())


def write_archive(root):
    """The folders that CIFAR-10's and CIFAR-100's archives unpack to."""
    ten, hundred = root / "cifar-10-batches-bin", root / "cifar-100-binary"
    ten.mkdir(parents=True)
    hundred.mkdir()
    for i in range(5):
        part = slice(2 * i, 2 * i + 2)
        path = ten / f"data_batch_{i + 1}.bin"
        write_records(path, TRAIN_IMAGES[part], TRAIN_LABELS[part], coarse=False)
    write_records(ten / "test_batch.bin", TEST_IMAGES, TEST_LABELS, coarse=False)
    (ten / "batches.meta.txt").write_text("\n".join(f"thing {i}" for i in range(10)))
    write_records(hundred / "train.bin", TRAIN_IMAGES, TRAIN_LABELS, coarse=True)
    write_records(hundred / "test.bin", TEST_IMAGES, TEST_LABELS, coarse=True)
    names = "\n".join(f"fine {i}" for i in range(100))
    (hundred / "fine_label_names.txt").write_text(names)
    (hundred / "coarse_label_names.txt").write_text("\n".join(f"coarse {i}" for i in range(20)))
    return root


@pytest.fixture
def online(tmp_path, monkeypatch):
    """A network that has the archives above."""
    archive = write_archive(tmp_path / "archive")
    monkeypatch.setattr(reader, "_check_connection", lambda url: None)
    monkeypatch.setattr(
        tfds.download.DownloadManager, "download_and_extract", lambda self, url: archive
    )
    return archive


@pytest.fixture
def offline(monkeypatch):
    import requests

    def get(url, **options):
        assert options["timeout"] <= 30
        raise requests.ConnectionError("Max retries\nexceeded")

    monkeypatch.setattr(requests, "get", get)


def by_bytes(images, labels):
    return sorted(
        (image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "kind", "count"), [("cifar10", "thing", 10), ("cifar100", "fine", 100)]
)
def test_official_splits_labels_and_names(online, tmp_path, capsys, name, kind, count):
    data = load_data(name, data_dir=tmp_path / "tfds")
    assert data.image_shape == (32, 32, 3)
    assert data.class_names == tuple(f"{kind} {i}" for i in range(count))
    assert (data.x_train.dtype, data.y_train.dtype) == ("uint8", "int32")
    assert by_bytes(*data.train) == by_bytes(TRAIN_IMAGES, TRAIN_LABELS)
    assert by_bytes(*data.test) == by_bytes(TEST_IMAGES, TEST_LABELS)
    # PyTorch warns of arrays that can't be written to.
    assert data.x_train.flags.writeable
    assert capsys.readouterr().out == ""


def test_a_prepared_copy_needs_no_network(online, tmp_path, monkeypatch):
    first = load_data("cifar10", data_dir=tmp_path / "tfds")
    assert [path.name for path in (tmp_path / "tfds").iterdir()] == ["cifar10"]
    monkeypatch.setattr(reader, "_download", None)
    again = load_data("cifar10", data_dir=str(tmp_path / "tfds"))
    np.testing.assert_array_equal(first.x_train, again.x_train)
    np.testing.assert_array_equal(first.y_test, again.y_test)


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cifar100"])
def test_without_network_one_line_says_what_to_do(offline, tmp_path, capfd, caplog, name):
    data_dir = tmp_path / "tfds"
    with pytest.raises(DataUnavailableError) as caught:
        load_data(name, data_dir=data_dir)
    message = str(caught.value)
    assert f"{name!r} is not available: there is no connection to https://" in message
    assert f"prepared elsewhere at {data_dir / name}," in message
    assert "--data FILE.npz with the arrays x_train, y_train, x_test and y_test" in message
    assert "the data set 'digits', which needs no download" in message
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert isinstance(caught.value, ValueError)
    assert not data_dir.exists()
    assert capfd.readouterr().out == ""
    assert not caplog.records


def test_a_refusing_server(tmp_path, monkeypatch):
    import requests

    response = requests.Response()
    response.status_code, response.reason, response.url = 503, "Busy", "https://there"
    response.raw = io.BytesIO()
    monkeypatch.setattr(requests, "get", lambda *arguments, **options: response)
    with pytest.raises(DataUnavailableError, match="503 Server Error: Busy for url: https://there"):
        load_data("cifar10", data_dir=tmp_path / "tfds")


def test_a_broken_download_leaves_nothing(online, tmp_path):
    (online / "cifar-10-batches-bin" / "test_batch.bin").unlink()
    data_dir = tmp_path / "tfds"
    with pytest.raises(DataUnavailableError, match=r"test_batch\.bin") as caught:
        load_data("cifar10", data_dir=data_dir)
    assert "\n" not in str(caught.value)
    assert list(data_dir.iterdir()) == []


def test_a_damaged_copy_is_unavailable(online, tmp_path):
    data_dir = tmp_path / "tfds"
    load_data("cifar10", data_dir=data_dir)
    [path] = data_dir.rglob("*train.tfrecord*")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataUnavailableError, match="'cifar10' is not available: ") as caught:
        load_data("cifar10", data_dir=data_dir)
    assert "\n" not in str(caught.value)


def test_the_default_folder_is_named(offline, tmp_path, monkeypatch):
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataUnavailableError, match=f"at {tmp_path / 'cifar10'},"):
        load_data("cifar10")


@pytest.mark.parametrize("missing", ["tensorflow_datasets", "tensorflow"])
def test_without_the_packages(tmp_path, missing):
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(name, *arguments):\n"
        f"        if name == {missing!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name}')\n"
        "sys.meta_path.insert(0, Missing)\n"
        "import os; os.environ['KERAS_BACKEND'] = 'jax'\n"
        "from keras_vit.data import DataUnavailableError, load_data\n"
        "try:\n"
        f"    load_data('cifar10', data_dir={str(tmp_path)!r})\n"
        "except DataUnavailableError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"'cifar10' is not available: No module named {missing} (" in done.stdout
    assert "pip install tensorflow tensorflow-datasets" in done.stdout
    assert "Traceback" not in done.stderr


def test_logging_is_as_before(offline, tmp_path):
    before = logging.root.manager.disable
    with pytest.raises(DataUnavailableError):
        load_data("cifar10", data_dir=tmp_path / "tfds")
    assert logging.root.manager.disable == before
