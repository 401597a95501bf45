"""The reference has every public name."""

import re

import keras_vit
import keras_vit.runs
import keras_vit.train
from tests.docs.pages import ROOT


def referenced():
    text = "\n".join(page.read_text() for page in (ROOT / "docs" / "api").glob("*.md"))
    return re.findall(r"^::: (\S+)$", text, re.MULTILINE)


def test_every_public_name_has_its_place():
    names = {path.rpartition(".")[2] for path in referenced()}
    assert set(keras_vit.__all__) - {"__version__"} <= names
    assert set(keras_vit.train.__all__) | set(keras_vit.runs.__all__) <= names


def test_no_name_is_there_twice():
    assert len(referenced()) == len(set(referenced()))
