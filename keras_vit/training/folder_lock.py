"""A folder for one process at a time."""

import os


def lock_folder(path):
    """Keeps a folder to this process until the lock is closed or the process ends, however.

    Advisory, on the folder itself: no file is left behind.

    Args:
        path: of the folder.

    Returns:
        A descriptor for `os.close`; None where there are no such locks.

    Raises:
        ValueError: where another process has the lock.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ValueError(f"another process is at work in {path}") from None
    except OSError:  # a file system without them
        os.close(descriptor)
        return None
    return descriptor
