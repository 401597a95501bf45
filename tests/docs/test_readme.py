"""README: short, and whole on PyPI too."""

import re
import runpy

from tests.docs.pages import ROOT

README = (ROOT / "README.md").read_text()


def test_readme_is_for_the_first_ten_minutes():
    assert len(README.splitlines()) <= 160


def test_readmes_numbers_are_in_its_tables():
    """Measured numbers stand between markers, where the script writes them."""
    prose = re.sub(r"<!-- table: .*?<!-- end of table -->", "", README, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", prose, flags=re.DOTALL)
    assert not re.findall(r"\d[\d.,]* ?(?:%|s|min|seconds|minutes)(?!\w)", prose)


def test_on_pypi_no_picture_and_no_link_is_broken():
    for_pypi = runpy.run_path(str(ROOT / "setup.py"))["for_pypi"]
    text = for_pypi(README)
    assert "](" in README
    assert all("://" in link for link in re.findall(r"\]\(([^)]+)\)", text))
    assert "See docs/results.md." in for_pypi("See [docs/results.md](docs/results.md).")
    kept = "![a](https://a.org/a.png) [b](https://b.org)"
    assert for_pypi(f"![x](results/x.png)\n\n{kept}") == kept
