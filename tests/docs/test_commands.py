"""The commands in the documents: each is parsed as printed; what it needs is there."""

import re
import shlex
import shutil
import tomllib

import pytest

from keras_vit.commands import parser_for
from tests.docs.pages import GUIDES, ROOT, fences, name, prose

OWN_COMMANDS = ("finetune", "pretrain", "search")  # recipes that are sub-commands themselves
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*(?:keras-vit|python|pip|make) ")
INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )?(?:keras-vit|python) [^`]+)`")


def printed(page):
    """Every command line of a page, fenced or inline, as words without variables."""
    lines = [line for code, _ in fences(page, "") for line in code.splitlines()]
    lines += [" ".join(line.split()) for line in INLINE.findall(prose(page))]
    for part in (part.strip() for line in lines for part in line.split("&&")):
        if COMMAND.match(part):
            words = shlex.split(part, comments=True)
            while re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words.pop(0)
            yield words


LINES = sorted({(name(page), *words) for page in GUIDES for words in printed(page)})


def lines_of(program):
    return [line[2:] for line in LINES if line[1] == program]


def door_words(words):
    """The words after `keras-vit` of `python recipes/NAME.py ...`."""
    recipe = words[0].removeprefix("recipes/").removesuffix(".py")
    return [*([] if recipe in OWN_COMMANDS else ["train"]), recipe, *words[1:]]


OURS = [list(words) for words in lines_of("keras-vit")]
OURS += [door_words(words) for words in lines_of("python") if words[0].startswith("recipes/")]
OURS += [list(words[2:]) for words in lines_of("python") if words[:2] == ("-m", "keras_vit")]
# In the text, `keras-vit serve` is the name of a command.
OURS = [words for words in OURS if len(words) > 1 or words == ["search"]]


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_the_command_is_parsed(words, tmp_path, monkeypatch):
    if words[:2] == ["train", "my_recipe.py"]:
        shutil.copy(ROOT / "recipes" / "digits.py", tmp_path / "my_recipe.py")
        monkeypatch.chdir(tmp_path)
    # A refusal is a SystemExit, with what is wrong on stderr.
    parser, rest = parser_for([word for word in words if word != "--help"])
    parser.parse_args(rest)


def test_there_are_commands():
    assert len(OURS) > 40


def test_the_scripts_are_there():
    for words in lines_of("python"):
        if words[0] == "-m":
            module = words[1]
            known = module in ("keras_vit", "pytest")
            assert known or (ROOT / f"{module.replace('.', '/')}.py").is_file(), words
        elif words[0] != "-c":
            assert (ROOT / words[0]).is_file(), words


def test_the_targets_of_make_are_there():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    inline = {word for page in GUIDES for word in re.findall(r"`make ([\w-]+)`", prose(page))}
    assert inline
    assert {words[0] for words in lines_of("make")} | inline <= targets


def test_the_extras_are_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {
        extra
        for words in lines_of("pip")
        for word in words
        for match in re.findall(r"^(?:keras-vit|\.)\[(.+)\]", word)
        for extra in match.split(",")
    }
    assert {"recipes", "tuner"} <= named
    assert named <= project["optional-dependencies"].keys()
