"""A recipe: a data set or a study, and the presets that it can be trained with."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from keras_vit.training.preset import Preset


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A data set, or a study of several, and the presets to train.

    Attributes:
        name: of the recipe; its run folder is `saved_models/NAME`.
        data: source for `load_data` where neither preset nor user gives one; None: they must.
        presets: by name.
        on_cpu: name of the preset for a machine without accelerator.
        on_gpu: name of the preset for one with.
        study: whether the presets are the variants of a published study, to be compared: chosen
            by --variant or run one after the other, each in a run folder of its own.
        fine_tunes: whether it starts from a checkpoint, the command's first word, and not from a
            new model.
        finish: what ends a run, called as `run.finish` is; None: that, a classifier's.
    """

    name: str
    data: str | None
    presets: Mapping[str, Preset]
    on_cpu: str
    on_gpu: str
    study: bool = False
    fine_tunes: bool = False
    finish: Callable | None = None

    @property
    def script(self):
        """The recipe's file, seen from the project's folder."""
        return f"recipes/{'reproductions/' if self.study else ''}{self.name}.py"

    @property
    def preset_class(self):
        """What its presets are made of."""
        return type(next(iter(self.presets.values())))

    @property
    def choice(self):
        """The flag that chooses among the presets."""
        return "variant" if self.study else "preset"

    def folder(self, preset_name):
        """The run folder where the user names none."""
        base = Path("saved_models", self.name)
        return base / preset_name if self.study else base
