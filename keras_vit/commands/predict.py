"""the likeliest classes of images, with their probabilities"""

import csv
import json
import sys
from pathlib import Path

import numpy as np

from keras_vit.commands.output import refuse_existing
from keras_vit.data.image_file import SUFFIXES
from keras_vit.files import whole_file
from keras_vit.inspection.classifier import Classifier
from keras_vit.weights.model_file import load_model

TOP = 5


def add_arguments(parser) -> None:
    """Add the command's own words."""
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        help=f"image files ({', '.join(sorted(SUFFIXES))}), or folders, whose images are taken "
        "with those of the folders inside",
    )
    parser.add_argument(
        "--format", choices=("text", "json", "csv"), default="text", help="default: %(default)s"
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="write the answers there instead of printing them"
    )
    parser.add_argument(
        "--attention",
        metavar="FILE.png",
        type=Path,
        help="draw what each block attends to, laid over the images",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the files of --attention and --out"
    )


def run(flags) -> None:
    """Answer for every image, then name those that can't be read and end with status 2."""
    paths = image_files(flags.images)
    if flags.out is not None:
        refuse_existing(flags.out, flags.overwrite)
        if any(flags.out.resolve() == path.resolve() for path in (*paths, *given(flags.attention))):
            raise ValueError(f"--out {flags.out} is another file of this command")
    if flags.attention is not None:
        check_picture(flags.attention, paths, flags.overwrite)
    classifier = Classifier(load_model(flags.model))
    answers, images, unreadable = [], [], []
    for path in paths:
        try:
            image, size = classifier.read(path)
        except ValueError as error:
            unreadable.append(str(error))
        else:
            images.append(image)
            answers.append({"image": str(path), "height": size[0], "width": size[1]})
    if not images:
        raise ValueError("; ".join(unreadable))
    for answer, row in zip(answers, probabilities(classifier, images), strict=True):
        answer["classes"] = [
            {"name": name, "probability": share} for name, share in classifier.top(row, TOP)
        ]
    if flags.attention is not None:
        draw_attention(classifier, images, flags.attention)
    show(answers, classifier, flags.format, flags.out)
    if flags.attention is not None:
        print(f"see {flags.attention}", file=sys.stderr if flags.format != "text" else sys.stdout)
    if unreadable:
        raise ValueError("; ".join(unreadable))


def given(path: Path | None) -> tuple[Path, ...]:
    """Return a path in a tuple, or an empty one for None."""
    return () if path is None else (path,)


def image_files(words: list[str]) -> list[Path]:
    """Return files as they are named, and the images in folders, at any depth, by name.

    Raises:
        ValueError: naming a folder without images.
    """
    paths = []
    for word in words:
        path = Path(word)
        if not path.is_dir():
            paths.append(path)
            continue
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not found:
            raise ValueError(f"{path} holds no images ({', '.join(sorted(SUFFIXES))})")
        paths += found
    return paths


def probabilities(classifier: Classifier, images: list[np.ndarray]):
    """Return the probabilities `(K,)` of each image."""
    if classifier.image_size is None:  # Each image has a size of its own then.
        return [classifier.probabilities(image[np.newaxis])[0] for image in images]
    return classifier.probabilities(np.stack(images))


def show(answers: list[dict], classifier: Classifier, form: str, out: Path | None) -> None:
    """Print the answers, or write them to a file, whole or not at all."""
    if out is None:
        FORMS[form](answers, classifier, sys.stdout)
        return
    with whole_file(out) as draft, open(draft, "w", newline="", encoding="utf-8") as file:
        FORMS[form](answers, classifier, file)
    print(f"see {out}")


def write_text(answers, classifier, file):
    """Write each image's path, and under it its classes in percent."""
    for answer in answers:
        note = size_note((answer["height"], answer["width"]), classifier.image_size)
        print(f"{answer['image']}{note}", file=file)
        for found in answer["classes"]:
            print(f"  {found['probability']:7.2%}  {found['name']}", file=file)


def write_json(answers, classifier, file):
    """Write a JSON list with one object per image."""
    print(json.dumps(answers, indent=2, ensure_ascii=False), file=file)


def write_csv(answers, classifier, file):
    """Write one row per image and class, the likeliest class first."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["image", "rank", "class", "probability"])
    for answer in answers:
        for rank, found in enumerate(answer["classes"], 1):
            writer.writerow([answer["image"], rank, found["name"], found["probability"]])


FORMS = {"text": write_text, "json": write_json, "csv": write_csv}


def check_picture(picture: Path, images: list[Path], overwrite: bool) -> None:
    """Raise a ValueError where a picture can't be drawn, or would replace another."""
    if picture.suffix != ".png":
        raise ValueError(f"--attention {picture}: the file's name must end with .png")
    if any(picture.resolve() == path.resolve() for path in images):
        raise ValueError(f"--attention {picture} is one of the pictures to look at")
    refuse_existing(picture, overwrite)


def size_note(before: tuple[int, int], after: tuple[int, int] | None) -> str:
    """Return what was done to an image of another size than the model takes."""
    if after is None or before == after:
        return ""
    (h, w), (height, width) = before, after
    return f" ({w}x{h} pixels, scaled and cropped to {width}x{height})"


def draw_attention(classifier: Classifier, images: list[np.ndarray], path: Path) -> None:
    """Draw what each block attends to in the images."""
    from keras_vit.report.overlays import attention_layers_picture

    if not classifier.has_attention:
        raise ValueError("the model has no attention blocks to look into; leave --attention out")
    attention_layers_picture(classifier.model, np.stack(images), None, path)
