import numpy as np
from PIL import Image
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix

from keras_vit import ViT
from keras_vit.inspection.attention_picture import attended_images, attention_picture
from keras_vit.inspection.confusion import confusion_matrix, confusion_picture, worst_confusions
from keras_vit.inspection.curves import curves_picture


def test_the_confusion_matrix_is_scikit_learns():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 7, (2, 500))
    np.testing.assert_array_equal(
        confusion_matrix(labels, predicted, 7), sklearn_confusion_matrix(labels, predicted)
    )


def test_the_worst_confusions_come_first_and_leave_out_the_diagonal():
    matrix = np.array([[90, 2, 0], [7, 50, 1], [0, 0, 60]])
    assert worst_confusions(matrix) == [(1, 0, 7), (0, 1, 2), (1, 2, 1)]
    assert worst_confusions(matrix, count=1) == [(1, 0, 7)]
    assert worst_confusions(np.eye(3, dtype=int)) == []


def test_attended_images_are_image_times_scaled_map_doubled():
    images = np.full((1, 4, 4, 3), 100, "uint8")
    attention = np.array([[[0.1, 0.1], [0.1, 0.5]]])
    shown = attended_images(images, attention)
    assert shown.shape == images.shape
    assert shown[0, 0, 0, 0] == 0
    assert shown[0, 3, 3, 0] == 200
    assert shown[0, 3, 1, 0] < shown[0, 3, 2, 0] < 200


def ink(path):
    """Share of the picture's pixels that are not its background."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    return (pixels != pixels[0, 0]).any(axis=-1).mean()


def test_the_pictures_are_drawn_whole(tmp_path):
    names = [f"class {i}" for i in range(100)]
    labels = np.arange(200) % 100
    confusion_picture(labels, np.roll(labels, 1), names, tmp_path / "confusion.png")
    rows = [
        {"epoch": "1", "loss": "2.0", "accuracy": "0.1", "learning_rate": "0.001", "val_loss": ""},
        {"epoch": "2", "loss": "1.0", "accuracy": "0.5", "learning_rate": "0.0", "val_loss": "1"},
    ]
    curves_picture(rows, tmp_path / "curves.png")
    model = ViT((8, 8, 1), hidden_dim=8, depth=1, num_heads=1, mlp_dim=8, class_names=names[:10])
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype("uint8")
    attention_picture(model, images, np.array([1, 2, 3]), tmp_path / "attention.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "attention.png",
        "confusion.png",
        "curves.png",
    ]
    for path in tmp_path.iterdir():
        assert ink(path) > 0.05
