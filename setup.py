"""The description on PyPI: README.md without what works in the repository alone.

All else is in pyproject.toml. PyPI shows README without the files beside it, so a relative picture
would be broken there, and so would a relative link.
"""

import re
from pathlib import Path

from setuptools import setup


def for_pypi(readme: str) -> str:
    """README without relative pictures, and with the plain text of relative links."""
    readme = re.sub(r"!\[[^\]]*\]\((?!https?://)[^)]+\)\n*", "", readme)
    return re.sub(r"\[([^\]]*)\]\((?!https?://)[^)]+\)", r"\1", readme)


if __name__ == "__main__":
    readme = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
    setup(
        long_description=for_pypi(readme),
        long_description_content_type="text/markdown",
    )
