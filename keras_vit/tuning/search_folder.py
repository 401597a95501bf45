"""The folder of a search and the files in it."""

import os
from pathlib import Path

from keras_vit.files import remove
from keras_vit.runs.folder import RunFolder
from keras_vit.tuning.spec import SearchSpec


class SearchFolder(RunFolder):
    """The folder of one search.

    Args:
        path: str or path, the folder, which is created when the search starts.
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__(path)
        self.trials = self.path / "trials"
        self.table = self.path / "trials.csv"
        self.pareto = self.path / "pareto.png"
        self.parallel = self.path / "parallel.png"
        self.effects = self.path / "effects.png"
        self.winner = self.path / "winner.json"
        self.defaults = self.path / "defaults.json"
        self.retrained = self.path / "winner"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that a finished search consists of."""
        pictures = (self.pareto, self.parallel, self.effects)
        return (self.config, self.table, *pictures, self.winner, self.defaults, self.metrics)

    def spec(self) -> SearchSpec:
        """Return the specification that `start` wrote.

        Raises:
            ValueError: if the file cannot be read or is not the file of a search.
        """
        return SearchSpec.from_json(self.read_config(), self.config)

    def holds_something(self) -> bool:
        """Return whether the folder holds a search or files that a search would replace."""
        return super().holds_something() or self.trials.exists() or self.retrained.exists()

    def clear(self) -> None:
        """Remove the files of an earlier search, its trials and the run of its winner."""
        super().clear()
        RunFolder(self.retrained).clear()
        remove(self.trials)
