"""Where a command may write."""


def refuse_existing(path, overwrite=None):
    """A ValueError where something is in the way, or there is no folder to write to.

    Args:
        path: to be written.
        overwrite: whether a file may be replaced; None where the command never does.
    """
    if path.is_dir() and overwrite:
        raise ValueError(f"{path} is a folder")
    if path.exists() and not overwrite:
        way = "name another path" if overwrite is None else "replace it with --overwrite"
        raise ValueError(f"{path} is there already: {way}")
    if not path.parent.is_dir():
        raise ValueError(f"{path.parent}: there is no such folder to write to")
