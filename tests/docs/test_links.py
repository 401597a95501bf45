"""Links and paths in the documents lead somewhere."""

import re

import pytest

from tests.docs.pages import GUIDES, ROOT, name, prose

FOLDERS = "keras_vit|recipes|results|benchmarks|tools|tests|docs|notebooks"
PAGES = [*GUIDES, ROOT / "CHANGELOG.md"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", prose(page))
    inside = [link for link in links if "://" not in link]
    assert not [link for link in inside if not (page.parent / link).is_file()]


@pytest.mark.parametrize("page", GUIDES, ids=name)
def test_every_path_in_code_form_is_there(page):
    """`results/digits`, `keras_vit/train/`: the text names what the repository has."""
    paths = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)`", prose(page))
    assert not [path for path in paths if not (ROOT / path).exists()]


def test_every_page_is_in_the_sites_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert pages == set(re.findall(r"^\s+- (\S+\.md)$", navigation, re.MULTILINE))
