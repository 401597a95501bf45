"""A run is a folder: its settings, its checkpoint while it runs, what came out."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from keras_vit.files import read_json, remove, write_json
from keras_vit.training.folder_lock import lock_folder


class RunFolder:
    """The files of one run.

    Args:
        path: of the folder; made when the run starts.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.checkpoint = self.path / "checkpoint"
        self.starting_model = self.checkpoint / "start.keras"
        self.history = self.path / "history.csv"
        self.model = self.path / "model.keras"
        self.curves = self.path / "curves.png"
        self.confusion = self.path / "confusion.png"
        self.attention = self.path / "attention.png"
        self.reconstruction = self.path / "reconstruction.png"
        self.report = self.path / "report.html"
        self.metrics = self.path / "metrics.json"
        self._lock = None
        self._is_new = False

    @property
    def files(self):
        return (
            self.config,
            self.history,
            self.model,
            self.curves,
            self.confusion,
            self.attention,
            self.reconstruction,
            self.report,
            self.metrics,
        )

    def holds_something(self):
        """Whether a run, or anything that one would replace, is there."""
        return any(file.exists() for file in (*self.files, self.checkpoint))

    def finished(self):
        return self.metrics.exists()

    def start(self, settings):
        """Makes the folder and writes down what the run is to do."""
        self.path.mkdir(parents=True, exist_ok=True)
        if self._is_new:
            self._lock = lock_folder(self.path)
            if self.holds_something():
                raise ValueError(f"another process made a run in {self.path} meanwhile")
        self.clear()
        self.keep(settings)

    def keep(self, settings):
        write_json(self.config, settings)

    def clear(self):
        """Takes out an earlier run's files, and no others."""
        self.tidy()  # first, as it may fail
        for file in self.files:
            file.unlink(missing_ok=True)

    def settings(self):
        """What `start` wrote; a ValueError where that can't be read."""
        try:
            settings = read_json(self.config)
            missing = {"preset", "preset_name", "data", "seed"} - settings.keys()
        except (OSError, AttributeError) as error:
            raise ValueError(f"{self.config} can't be read: {error}") from error
        if missing:
            raise ValueError(f"{self.config} is not a run's: {', '.join(sorted(missing))} missing")
        if not isinstance(settings["preset"], dict):
            raise ValueError(f"{self.config} is not a run's: preset={settings['preset']!r:.40}")
        return settings

    def tidy(self):
        """Takes out what only a run that goes on needs, and what a killed one left half done."""
        for draft in self.path.glob(".draft-*"):
            remove(draft)
        self.drop_checkpoint()

    def drop_checkpoint(self):
        remove(self.checkpoint)

    @contextlib.contextmanager
    def alone(self):
        """Keeps the folder to this process within the block; a ValueError where another is in.

        Where it is not there yet, from `start` on.
        """
        self._is_new = not self.path.exists()
        if not self._is_new:
            self._lock = lock_folder(self.path)
        try:
            yield
        finally:
            if self._lock is not None:
                os.close(self._lock)
            self._lock = None


@contextlib.contextmanager
def own_folder(folder, process, resume):
    """The run's folder for the first process of several; a silent copy for another.

    All processes do the same, each to its end, and none waits for files; what others than the
    first write and print is thrown away.

    Args:
        folder: the `RunFolder`.
        process: number of this process, from 0.
        resume: whether a run that is there goes on.

    Yields:
        The `RunFolder` to use.
    """
    if process == 0:
        with folder.alone():
            yield folder
        return
    with tempfile.TemporaryDirectory() as scratch, open(os.devnull, "w") as nowhere:
        copy = Path(scratch, "run")
        if resume and folder.path.exists():
            shutil.copytree(folder.path, copy)
        with contextlib.redirect_stdout(nowhere):
            yield RunFolder(copy)
