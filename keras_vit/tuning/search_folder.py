"""The files of a search."""

from keras_vit.files import remove
from keras_vit.training.run_folder import RunFolder


class SearchFolder(RunFolder):
    """The files of one search.

    Args:
        path: of the folder; made when the search starts.
    """

    def __init__(self, path):
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
    def files(self):
        pictures = (self.pareto, self.parallel, self.effects)
        return (self.config, self.table, *pictures, self.winner, self.defaults, self.metrics)

    def holds_something(self):
        return super().holds_something() or self.trials.exists() or self.retrained.exists()

    def clear(self):
        super().clear()
        RunFolder(self.retrained).clear()
        remove(self.trials)
