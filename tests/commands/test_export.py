"""An exported model is read back by its own runtime and gives the same logits."""

import warnings

import keras
import numpy as np
import pytest

from keras_vit import ViT, load_checkpoint
from keras_vit.commands import export, main
from keras_vit.models.new_head import with_classes
from tests.helpers import disturbed
from tests.weights.google_files import vit_weights

pytestmark = pytest.mark.medium

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype("float32")


@pytest.fixture
def exported(vit_folder, tmp_path, capsys):
    def run(format, name):
        main(["export", str(vit_folder), "--format", format, "--out", str(tmp_path / name)])
        assert capsys.readouterr().out.strip().endswith(f"see {tmp_path / name}")
        assert [p.name for p in tmp_path.iterdir()] == [name]
        return tmp_path / name

    return run


def logits(vit_folder):
    return keras.saving.load_model(vit_folder / "model.keras").predict(IMAGES, verbose=0)


@pytest.mark.backends
def test_onnx_runs_in_onnxruntime(exported, vit_folder):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(exported("onnx", "model.onnx"))
    (images,) = session.get_inputs()
    static = keras.backend.backend() == "torch"  # one image at a time
    assert isinstance(images.shape[0], int) == static
    batches = np.split(IMAGES, len(IMAGES)) if static else [IMAGES]
    found = [session.run(None, {images.name: batch})[0] for batch in batches]
    np.testing.assert_allclose(np.concatenate(found), logits(vit_folder), atol=1e-5)


@pytest.mark.backends
def test_onnx_of_a_model_with_large_tensors_is_one_file(tmp_path):
    """jax2onnx puts tensors of 1 MiB and more into another file."""
    onnxruntime = pytest.importorskip("onnxruntime")
    model = disturbed(ViT((8, 8, 3), 4, 10, 512, depth=1, num_heads=4, mlp_dim=1024), 0.02)
    assert max(w.nbytes for w in model.get_weights()) > 2**20
    expected = model.predict(IMAGES[:1], verbose=0)
    model.save(tmp_path / "large.keras")
    path = tmp_path / "large.onnx"
    main(["export", str(tmp_path / "large.keras"), "--format", "onnx", "--out", str(path)])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["large.keras", "large.onnx"]
    session = onnxruntime.InferenceSession(path)
    (images,) = session.get_inputs()
    found = session.run(None, {images.name: IMAGES[:1]})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_too_large_for_one_file_both_are_moved(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "MOST_ONNX_BYTES", 10)
    folder = tmp_path / "draft"
    folder.mkdir()
    (folder / "m.onnx").write_bytes(b"refers to m.onnx.data")
    (folder / "m.onnx.data").write_bytes(b"tensors")
    export.gather_onnx(folder / "m.onnx")
    (tmp_path / "m.onnx.data").write_bytes(b"another's")
    with pytest.raises(ValueError, match="m.onnx.data"):
        export.move_all(folder / "m.onnx", tmp_path / "m.onnx")
    assert (tmp_path / "m.onnx.data").read_bytes() == b"another's"
    (tmp_path / "m.onnx.data").unlink()
    export.move_all(folder / "m.onnx", tmp_path / "m.onnx")
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == {"m.onnx", "m.onnx.data"}


@pytest.mark.backends
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_onnx_of_a_model_in_half_precision_is_in_float32(vit_folder, tmp_path, dtype):
    onnxruntime = pytest.importorskip("onnxruntime")
    model = keras.saving.load_model(vit_folder / "model.keras")
    half = with_classes(model, model.num_classes, model.class_names, dtype=dtype)
    half.save(tmp_path / "half.keras")
    path = tmp_path / "half.onnx"
    main(["export", str(tmp_path / "half.keras"), "--format", "onnx", "--out", str(path)])
    session = onnxruntime.InferenceSession(path)
    (images,) = session.get_inputs()
    found = session.run(None, {images.name: IMAGES[:1]})[0]
    np.testing.assert_allclose(found, logits(vit_folder)[:1], atol=1e-5)


@pytest.mark.backends
@pytest.mark.on_tensorflow
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras has no such export there")
def test_a_saved_model_runs_in_tensorflow(exported, vit_folder):
    tensorflow = pytest.importorskip("tensorflow")
    served = tensorflow.saved_model.load(exported("tf_saved_model", "saved"))
    np.testing.assert_allclose(served.serve(IMAGES), logits(vit_folder), atol=1e-5)


@pytest.mark.on_tensorflow
def test_litert_runs_in_its_interpreter(exported, vit_folder):
    tensorflow = pytest.importorskip("tensorflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is moving to a package of its own
        interpreter = tensorflow.lite.Interpreter(str(exported("litert", "model.tflite")))
    (images,), (outputs,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(images["index"], IMAGES.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(images["index"], IMAGES)
    interpreter.invoke()
    found = interpreter.get_tensor(outputs["index"])
    np.testing.assert_allclose(found, logits(vit_folder), atol=1e-5)


@pytest.mark.on_tensorflow
def test_an_export_that_fails_leaves_nothing(vit_folder, tmp_path, monkeypatch, refused):
    def fail(self, path, **_):
        path.write_bytes(b"half")
        raise RuntimeError("the converter's reason\nand its details")

    monkeypatch.setattr(keras.Model, "export", fail)
    line = refused("export", vit_folder, "--format", "litert", "--out", tmp_path / "model.tflite")
    assert line.endswith("failed on tensorflow: the converter's reason")
    assert not list(tmp_path.iterdir())


@pytest.mark.backends
@pytest.mark.parametrize("format", ["timm", "huggingface"])
def test_weights_for_other_libraries_come_back_by_their_folder(
    exported, vit_folder, format, capsys
):
    folder = exported(format, "out")
    np.testing.assert_allclose(
        load_checkpoint(folder).predict(IMAGES, verbose=0), logits(vit_folder), atol=1e-6
    )
    main(["summary", str(folder)])
    assert "block_1" in capsys.readouterr().out


def test_a_published_checkpoint_becomes_a_keras_file(tmp_path, picture, capsys):
    np.savez(tmp_path / "google.npz", **vit_weights(patch=(2, 2)))
    main(
        [
            "export",
            str(tmp_path / "google.npz"),
            "--format",
            "keras",
            "--out",
            str(tmp_path / "m.keras"),
        ]
    )
    main(["predict", str(tmp_path / "m.keras"), str(picture)])
    told = capsys.readouterr().out
    main(["predict", str(tmp_path / "google.npz"), str(picture)])
    assert capsys.readouterr().out in told
