"""A run is a folder: its settings, its checkpoint while it runs, what came out."""

import json
import shutil
from pathlib import Path

from keras_vit.files import read_json, write_json

FILES = (
    "model.keras",
    "config.json",
    "history.csv",
    "metrics.json",
    "curves.png",
    "confusion.png",
    "attention.png",
)


class RunFolder:
    """The files of one run.

    Args:
        path: of the folder; made when something is first written.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.checkpoint = self.path / "checkpoint"
        for name in FILES:
            setattr(self, name.split(".")[0], self.path / name)

    def exists(self):
        return self.config.exists()

    def finished(self):
        return self.metrics.exists()

    def start(self, settings):
        """Makes the folder and writes down what the run is to do."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.clear()
        write_json(self.config, settings)

    def clear(self):
        """Takes out an earlier run's files, and no others."""
        for name in FILES:
            (self.path / name).unlink(missing_ok=True)
        self.drop_checkpoint()

    def settings(self):
        return read_json(self.config)

    def epochs_done(self):
        """Epochs behind the checkpoint; 0 without one."""
        try:
            return read_json(self.checkpoint / "training_metadata.json")["epoch"]
        except (FileNotFoundError, json.JSONDecodeError):
            return 0

    def drop_checkpoint(self):
        shutil.rmtree(self.checkpoint, ignore_errors=True)
