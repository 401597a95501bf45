"""The check that a command may write to a path."""

from pathlib import Path


def refuse_existing(path: Path, overwrite: bool | None = None) -> None:
    """Check that a command may write a file or folder.

    Args:
        path: path to write.
        overwrite: bool or None, whether a file there may be replaced. None: the command never
            replaces a file. Default: None.

    Raises:
        ValueError: if something is there that must not be replaced, or there is no folder to write
            to.
    """
    if path.is_dir() and overwrite:
        raise ValueError(f"the path to write must be a file's, but this one is a folder: {path}")
    if path.exists() and not overwrite:
        advice = "name another path" if overwrite is None else "replace it with --overwrite"
        raise ValueError(f"{path} is there already: {advice}")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: there is no such folder to write to")
