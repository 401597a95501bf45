"""A run is a folder: its specification, its checkpoint while it runs, and what came out."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock

from keras_vit.files import read_json, remove, write_json
from keras_vit.runs.spec import RunSpec


class RunFolder:
    """The files of one run.

    Args:
        path: str or path of the folder, which is made when the run starts.
    """

    def __init__(self, path: str | os.PathLike):
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
        self._lock = filelock.FileLock(self.path / ".lock")
        self._is_new = False

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that a run leaves behind, and no others."""
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

    def holds_something(self) -> bool:
        """Return whether a run, or anything that a run would replace, is there."""
        return any(file.exists() for file in (*self.files, self.checkpoint))

    def finished(self) -> bool:
        """Return whether the run came to its end: `metrics.json` is written last."""
        return self.metrics.exists()

    def may_resume(self, resume: bool, overwrite: bool) -> bool:
        """Return whether there is a run to go on with.

        Args:
            resume: whether the user asked to go on.
            overwrite: whether the user asked to replace what is there.

        Raises:
            ValueError: where a run is in the way and neither was asked for, or both were.
        """
        if resume and overwrite:
            raise ValueError("--resume and --overwrite exclude each other")
        if self.holds_something() and not resume and not overwrite:
            raise ValueError(
                f"{self.path} holds a run: go on with --resume, replace it with --overwrite, "
                "or name another folder with --out"
            )
        return bool(resume) and self.holds_something()

    def start(self, spec) -> None:
        """Make the folder and write down what the run is to do.

        Args:
            spec: object with `to_json`, such as a `RunSpec`.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if self._is_new:
            self._acquire()
            if self.holds_something():
                raise ValueError(f"another process made a run in {self.path} meanwhile")
        self.clear()
        self.write_spec(spec)

    def write_spec(self, spec) -> None:
        """Write `config.json`, whole or not at all."""
        write_json(self.config, spec.to_json())

    def spec(self) -> RunSpec:
        """Return what `start` wrote; a ValueError where that can't be read."""
        return RunSpec.from_json(self.read_config(), self.config)

    def read_config(self) -> object:
        """Return what `config.json` holds; a ValueError where it can't be read."""
        try:
            return read_json(self.config)
        except OSError as error:
            raise ValueError(f"{self.config} can't be read: {error}") from error

    def clear(self) -> None:
        """Remove the files of an earlier run, and no others."""
        self.tidy()  # First, because it may fail.
        for file in self.files:
            file.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what only an unfinished run needs, and what a killed one left half done."""
        for draft in self.path.glob(".draft-*"):
            remove(draft)
        self.drop_checkpoint()

    def drop_checkpoint(self) -> None:
        """Remove the checkpoints."""
        remove(self.checkpoint)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the folder to this process while the block runs.

        A folder that does not exist yet is kept from `start` on.

        Raises:
            ValueError: where another process works in the folder.
        """
        self._is_new = not self.path.exists()
        if not self._is_new:
            self._acquire()
        try:
            yield
        finally:
            if self._lock.is_locked and not self.holds_something():
                Path(self._lock.lock_file).unlink(missing_ok=True)  # Nothing came of the run.
            self._lock.release()

    def _acquire(self):
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            raise ValueError(f"another process is at work in {self.path}") from None
        except (NotImplementedError, OSError):  # Timeout is an OSError too, and stands before.
            return  # A file system without locks, or one that is read-only: go on without.


@contextlib.contextmanager
def own_folder(folder: RunFolder, process: int, resume: bool) -> Iterator[RunFolder]:
    """Yield the run's folder in the first process of several, and a silent copy in the others.

    All processes do the same work to the end, and none waits for files. What the others write
    and print is thrown away.

    Args:
        folder: the `RunFolder`.
        process: int, number of this process, from 0.
        resume: bool, whether a run that is there goes on.
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
