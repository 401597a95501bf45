import csv
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image, ImageOps
from scipy.special import softmax

from keras_vit.commands import main
from keras_vit.inspection.classifier import Classifier


def told(capsys):
    """{file name: [(percent, class)]} of what was printed."""
    answers, file = {}, None
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  "):
            percent, name = line.split()
            answers[file].append((percent, name))
        elif not line.startswith("see "):
            file = line
            answers[file] = []
    return answers


def expected(model, pixels):
    """The five likeliest classes of one (8, 8, 3) image, by scipy."""
    row = softmax(model.predict(pixels[None].astype("float32"), verbose=0)[0])
    return [(f"{row[k]:.2%}", model.class_names[k]) for k in np.argsort(-row)[:5]]


@pytest.mark.backends
def test_the_top_five_of_every_kind_of_picture(vit_folder, tmp_path, capsys):
    model = keras.saving.load_model(vit_folder / "model.keras")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (8, 8, 3)).astype("uint8")
    image = Image.fromarray(pixels)
    image.save(tmp_path / "exact.png")

    wide = Image.fromarray(rng.integers(0, 256, (20, 30, 3)).astype("uint8"))
    wide.save(tmp_path / "wide.bmp")
    fitted = np.asarray(ImageOps.fit(wide, (8, 8), Image.Resampling.BILINEAR))

    grey = rng.integers(0, 256, (8, 8)).astype("uint8")
    Image.fromarray(grey).save(tmp_path / "grey.png")

    alpha = np.dstack([pixels, np.full((8, 8), 255, "uint8")])
    alpha[:4, :, 3] = 0
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    on_white = np.where(alpha[..., 3:] == 0, 255, pixels).astype("uint8")

    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 270 degrees
    image.save(tmp_path / "turned.png", exif=exif)

    wanted = {
        "exact.png": pixels,
        "wide.bmp": fitted,
        "grey.png": np.dstack([grey] * 3),
        "alpha.png": on_white,
        "turned.png": np.rot90(pixels, 3),
    }
    main(["predict", str(vit_folder), *(str(tmp_path / name) for name in wanted)])
    answers = told(capsys)
    assert list(answers) == [
        f"{tmp_path / name}"
        + (" (30x20 pixels, scaled and cropped to 8x8)" if name == "wide.bmp" else "")
        for name in wanted
    ]
    for answer, image in zip(answers.values(), wanted.values(), strict=True):
        assert answer == expected(model, image)


def test_a_model_of_another_kind_gives_its_own_probabilities(cnn_file, picture, capsys):
    main(["predict", str(cnn_file), str(picture)])
    ((_, answer),) = told(capsys).items()
    grey = Image.open(picture).convert("L")
    grey = np.asarray(ImageOps.fit(grey, (8, 8), Image.Resampling.BILINEAR), "float32")
    row = keras.saving.load_model(cnn_file).predict(grey[None, ..., None], verbose=0)[0]
    assert [name for _, name in answer] == [str(k) for k in np.argsort(-row)[:5]]
    # Grey is taken after scaling here and before it there, rounded in between.
    shares = [float(percent.rstrip("%")) / 100 for percent, _ in answer]
    np.testing.assert_allclose(shares, np.sort(row)[::-1][:5], atol=0.005)


def test_attention_is_drawn_and_not_written_over(vit_folder, picture, tmp_path, capsys, refused):
    out = tmp_path / "attention.png"
    arguments = ["predict", str(vit_folder), str(picture), str(picture), "--attention", str(out)]
    main(arguments)
    assert f"see {out}" in capsys.readouterr().out
    with Image.open(out) as drawn:
        assert drawn.width > 200
    out.write_bytes(b"mine")
    assert "attention.png is there already" in refused(*arguments)
    assert out.read_bytes() == b"mine"
    main([*arguments, "--overwrite"])
    assert out.read_bytes() != b"mine"


def test_attention_never_takes_the_place_of_a_picture(vit_folder, picture, tmp_path, refused):
    before = picture.read_bytes()
    own = ["--attention", picture, "--overwrite"]
    assert "one of the pictures" in refused("predict", vit_folder, picture, *own)
    other = ["--attention", tmp_path / "looks.jpg"]
    assert "must end with .png" in refused("predict", vit_folder, picture, *other)
    (tmp_path / "taken.png").mkdir()
    folder = ["--attention", tmp_path / "taken.png", "--overwrite"]
    assert "is a folder" in refused("predict", vit_folder, picture, *folder)
    assert picture.read_bytes() == before


def test_an_unreadable_picture_is_named_after_the_answers_for_the_others(
    vit_folder, picture, tmp_path, capsys
):
    (tmp_path / "notes.png").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as end:
        main(["predict", str(vit_folder), str(tmp_path / "notes.png"), str(picture)])
    assert end.value.code == 2
    captured = capsys.readouterr()
    assert captured.out.startswith(str(picture))
    (line,) = captured.err.strip().splitlines()
    assert "notes.png: can't read this image" in line


def test_a_folder_is_looked_through_and_json_and_csv_say_the_same(
    vit_folder, picture, tmp_path, capsys
):
    inner = tmp_path / "album" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "album" / "notes.txt").write_text("no picture")
    for place in (tmp_path / "album" / "b.png", inner / "A.PNG"):
        place.write_bytes(picture.read_bytes())
    words = ["predict", str(vit_folder), str(tmp_path / "album")]
    main([*words, "--format", "json"])
    answers = json.loads(capsys.readouterr().out)
    assert [Path(answer["image"]).name for answer in answers] == ["b.png", "A.PNG"]
    assert (answers[0]["height"], answers[0]["width"]) == (12, 16)
    image = Classifier(keras.saving.load_model(vit_folder / "model.keras"))
    row = image.probabilities(image.read(picture)[0][None])[0]
    for answer in answers:
        assert [found["name"] for found in answer["classes"]] == [n for n, _ in image.top(row, 5)]
        shares = [found["probability"] for found in answer["classes"]]
        np.testing.assert_allclose(shares, [share for _, share in image.top(row, 5)], rtol=1e-4)
    out = tmp_path / "answers.csv"
    main([*words, "--format", "csv", "--out", str(out)])
    with open(out, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert [(r["class"], float(r["probability"])) for r in rows[:5]] == [
        (found["name"], found["probability"]) for found in answers[0]["classes"]
    ]
    with pytest.raises(SystemExit):
        main([*words, "--format", "csv", "--out", str(out)])
    assert "is there already" in capsys.readouterr().err


def test_a_folder_without_images_is_refused(vit_folder, tmp_path, refused):
    (tmp_path / "empty").mkdir()
    assert "empty holds no images" in refused("predict", vit_folder, tmp_path / "empty")
