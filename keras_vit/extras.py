"""Packages that only some features need, and the extra that installs each of them."""

import contextlib
from collections.abc import Iterator

# By the name that Python imports: the package's own name, and its extra in pyproject.toml.
PACKAGES = {
    "matplotlib": ("matplotlib", "recipes"),
    "sklearn": ("scikit-learn", "recipes"),
    "scipy": ("scipy", "recipes"),
    "keras_tuner": ("keras-tuner", "tuner"),
    "gradio": ("gradio", "app"),
}


@contextlib.contextmanager
def needed_for(feature: str) -> Iterator[None]:
    """Name the extra to install where an import in the block fails.

    Args:
        feature: str, what needs the package, such as "mixup and CutMix".

    Raises:
        ImportError: one line with the feature, the package that is missing, and how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        imported = (error.name or "").split(".")[0]
        if imported not in PACKAGES:
            raise
        package, extra = PACKAGES[imported]
        raise ImportError(
            f"{feature} needs {package}, which is not installed: pip install {package}, or this "
            f"package with its extra {extra}",
            name=imported,
        ) from error
