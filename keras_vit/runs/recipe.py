"""A recipe: a data set or a study, and the presets that it can be trained with."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from keras_vit.backend.hardware import device_kind
from keras_vit.runs.preset import MaskedPreset, TrainingPreset

# Names that version 0.1 gave to presets, by recipe. Its commands and run folders still work.
RENAMED_PRESETS = {
    ("digits", "default"): "small",
    ("mnist", "default"): "compact",
    ("mnist", "cpu-10min"): "compact-muon",
    ("cifar10", "cpu-30min"): "compact",
    ("cifar10", "cpu-10min"): "compact-short",
    ("cifar10", "cpu-hour"): "wide",
    ("cifar100", "cpu-30min"): "compact",
    ("cifar100", "cpu-10min"): "compact-short",
    ("cifar100", "cpu-hour"): "wide",
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A data set, or a study of several, and the presets to train.

    Attributes:
        name: str, name of the recipe. Its run folder is `saved_models/NAME`.
        data: str, source for `load_data` where neither preset nor user gives one; None: they must.
        presets: dict from a name to a `Preset` or a `MaskedPreset`.
        on_cpu: str, name of the preset for a machine without an accelerator.
        on_gpu: str, name of the preset for a machine with one.
        study: bool, whether the presets are the variants of a published study, to be compared:
            chosen by --variant or run one after the other, each in a run folder of its own.
            Default: False.
        fine_tunes: bool, whether a run starts from a checkpoint, the command's first word, instead
            of a new model. Default: False.
    """

    name: str
    data: str | None
    presets: Mapping[str, TrainingPreset]
    on_cpu: str
    on_gpu: str
    study: bool = False
    fine_tunes: bool = False

    @property
    def pretrains(self) -> bool:
        """Whether its presets pretrain without labels."""
        return any(isinstance(preset, MaskedPreset) for preset in self.presets.values())

    @property
    def choice(self) -> str:
        """The flag that chooses among the presets, without its dashes."""
        return "variant" if self.study else "preset"

    def preset_for(self, data: str | None = None) -> str:
        """Return the name of the preset for a data source, or else for this device.

        Args:
            data: str, the source that the user named. Default: None.
        """
        if data and not self.study:
            for name, preset in self.presets.items():
                if preset.data == data:
                    return name
        return self.on_cpu if device_kind() == "cpu" else self.on_gpu

    def folder(self, preset_name: str) -> Path:
        """Return the run folder where the user names none."""
        base = Path("saved_models", self.name)
        return base / preset_name if self.study else base


def current_preset_name(recipe_name: str, preset_name: str) -> str:
    """Return today's name of a preset that version 0.1 may have called otherwise."""
    return RENAMED_PRESETS.get((recipe_name, preset_name), preset_name)
