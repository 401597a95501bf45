"""The specification of a run: one list of what it is to do, from flags or from its folder."""

import dataclasses
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keras_vit.runs.preset import MaskedPreset, TrainingPreset, preset_from_json
from keras_vit.runs.preset_file import read_preset
from keras_vit.runs.recipe import Recipe, current_preset_name

# Flags that change a field of the preset, all by the field's name.
PRESET_FLAGS = (
    "epochs",
    "batch_size",
    "accumulate",
    "remat",
    "dtype",
    "peak_learning_rate",
    "layer_decay",
    "lora_rank",
    "flip",
)
# What may differ when a run goes on: its command, and where tensorflow-datasets keeps the data.
MAY_CHANGE = ("command", "data_dir")
REQUIRED = ("preset", "preset_name", "data", "seed", "command", "skip_bad")


@dataclasses.dataclass(frozen=True)
class RunSpec:
    """What a run is to do. `config.json` in the run's folder holds these fields by name.

    Attributes:
        recipe: str, name of the recipe.
        preset: `Preset` or `MaskedPreset`, with the user's changes.
        preset_name: str, name of the preset; "config" for one out of a file.
        data: str, source for `load_data`; None is refused when a run starts.
        command: str, the command that the user gave.
        seed: int, seed of data split, weights and draws. Default: 0.
        config: str, path of the file with the preset. Default: None, a preset of the recipe.
        checkpoint: str, path of the model to start from. Default: None, a new model.
        fine_tunes: bool, whether `checkpoint` is required. Default: False.
        as_measured: bool, whether preset and data are as in the run that the preset's `expect`
            tells of. Default: False.
        data_dir: str, where tensorflow-datasets keeps its data sets. Default: None, its own place.
        image_size: int, side in pixels to resize all images to. Default: None, as they are.
        skip_bad: bool, whether images that can't be read are left out. Default: False.
        stream: bool, whether a folder's images are read as they are needed. Default: None, where
            they would take more than 2 GiB.
        limit: int, number of training images. Default: None, all.
        time_limit: float, minutes within which the run ends. Default: None, no limit.
        epochs_asked: int, the preset's epochs before the time limit cut them. Default: None.
        distribute: str, "data" or "model", see `distributed`. Default: None, one device.
        data_digest: str, SHA-256 of the images that the run began with. Default: None, not known.
        explicit: dict, the fields and preset fields that the user's flags gave, with their
            values. They are compared when a run is resumed; they are not part of `config.json`.
    """

    recipe: str
    preset: TrainingPreset
    preset_name: str
    data: str | None
    command: str
    seed: int = 0
    config: str | None = None
    checkpoint: str | None = None
    fine_tunes: bool = False
    as_measured: bool = False
    data_dir: str | None = None
    image_size: int | None = None
    skip_bad: bool = False
    stream: bool | None = None
    limit: int | None = None
    time_limit: float | None = None
    epochs_asked: int | None = None
    distribute: str | None = None
    data_digest: str | None = None
    explicit: Mapping[str, object] = dataclasses.field(default_factory=dict, compare=False)

    @classmethod
    def from_recipe(
        cls,
        recipe: Recipe,
        words: Sequence[str],
        preset: str | None = None,
        goes_on: bool = False,
        **given,
    ) -> "RunSpec":
        """Make the specification of a recipe's run with the user's changes.

        Args:
            recipe: the `Recipe`.
            words: list of str, the user's command, to be written down.
            preset: str, name of the preset. Default: None, the one for these data or this device.
            goes_on: bool, whether a run in a folder goes on. Its preset is in that folder, so
                neither a preset's file is read nor are changes made to it here. Default: False.
            **given: fields of `RunSpec` and those of the preset in `PRESET_FLAGS`; None stands for
                a flag that was not given.

        Raises:
            ValueError: for values that do not fit together.
        """
        given = {name: value for name, value in given.items() if value is not None}
        explicit = {**given, **({"preset_name": preset} if preset else {})}
        if preset and "config" in given:
            raise ValueError(f"--config and --{recipe.choice} exclude each other")
        changes = {name: given.pop(name) for name in PRESET_FLAGS if name in given}
        name = preset or recipe.preset_for(given.get("data"))
        base = recipe.presets[name]
        if "config" in given:
            name = "config"
            base = base if goes_on else read_preset(given["config"])
        changed = base if goes_on else dataclasses.replace(base, **changes)
        given.setdefault("data", base.data or recipe.data)
        unmeasured = explicit.keys() & {*PRESET_FLAGS, "limit", "data", "image_size", "time_limit"}
        return cls(
            recipe=recipe.name,
            # A run goes on in the precision that it began with, on whichever machine.
            preset=dataclasses.replace(changed, dtype=changed.dtype_policy()),
            preset_name=name,
            command=shlex.join([w for w in words if w not in ("--resume", "--overwrite")]),
            fine_tunes=recipe.fine_tunes,
            as_measured=not unmeasured,
            explicit=explicit,
            **given,
        )

    @classmethod
    def from_json(cls, values: object, path: Path, recipe: str | None = None) -> "RunSpec":
        """Make the specification that a run's `config.json` holds, of this version or of 0.1.

        Args:
            values: what the file holds.
            path: of the file, for the messages.
            recipe: str, name of the recipe for a file that does not name it. Default: None, the
                name of its folder.

        Raises:
            ValueError: naming the file and what is wrong in it.
        """
        if not isinstance(values, dict):
            raise ValueError(f"{path} is not a run's: an object is expected, not {values!r:.40}")
        if missing := sorted(set(REQUIRED) - values.keys()):
            raise ValueError(f"{path} is not a run's: {', '.join(missing)} missing")
        if not isinstance(values["preset"], dict):
            raise ValueError(f"{path} is not a run's: preset={values['preset']!r:.40}")
        values = dict(values)
        if "epochs" in values:  # the name of `epochs_asked` in version 0.1
            values["epochs_asked"] = values.pop("epochs")
        unknown = values.keys() - {f.name for f in dataclasses.fields(cls)} - {"epochs"}
        if unknown:
            raise ValueError(f"{path} is not a run's: {', '.join(sorted(unknown))} unknown")
        values.setdefault("recipe", recipe or path.parent.name)
        values["preset_name"] = current_preset_name(values["recipe"], values["preset_name"])
        values.setdefault("fine_tunes", values.get("checkpoint") is not None)
        try:
            return cls(**{**values, "preset": preset_from_json(values["preset"])})
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is not as this version writes it: {error}") from error

    def to_json(self) -> dict:
        """Return the fields as `config.json` holds them."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del values["explicit"]
        return {**values, "preset": dataclasses.asdict(self.preset)}

    @property
    def pretrains(self) -> bool:
        """Whether the run pretrains a masked autoencoder."""
        return isinstance(self.preset, MaskedPreset)

    def replace(self, **changes) -> "RunSpec":
        """Return the specification with other values of some fields."""
        return dataclasses.replace(self, **changes)

    def refuse_changes(self, asked: "RunSpec", folder: Path) -> None:
        """Refuse to go on with this run where the user's flags ask for something else.

        Args:
            asked: specification made from the user's flags.
            folder: of this run, for the message.

        Raises:
            ValueError: naming the flag, the run's value and the one asked for.
        """
        for name, given in sorted(asked.explicit.items()):
            known = self.value_of(name)
            if name == "preset_name":
                given = current_preset_name(self.recipe, given)
            if name not in MAY_CHANGE and given != known:
                shown = "preset" if name == "preset_name" else name
                raise ValueError(
                    f"the run in {folder} has {shown}={known}; --resume can't change it to {given}"
                )

    def value_of(self, name: str) -> object:
        """Return a field of the specification or, for a preset's flag, of its preset."""
        if name == "epochs" and self.epochs_asked is not None:
            return self.epochs_asked
        return getattr(self.preset if name in PRESET_FLAGS else self, name)

    def check_can_start(self, save_every: int | None = None) -> None:
        """Refuse what no new run can do.

        Args:
            save_every: int, steps between checkpoints within an epoch. Default: None, not given.

        Raises:
            ValueError: naming what is missing, or what has no effect.
        """
        without_effect = {*PRESET_FLAGS, "time_limit"} & self.explicit.keys() - {"dtype"}
        if save_every is not None:
            without_effect.add("save_every")
        if self.preset.linear_probe and without_effect:
            raise ValueError(
                f"a linear probe has no {listed(without_effect)} to be set: it computes features "
                "once"
            )
        if self.fine_tunes and self.checkpoint is None:
            raise ValueError(
                "a checkpoint is needed to start from: a .keras file, or a published one"
            )
        if self.data is None:
            raise ValueError("--data is needed: a data set's name, a .npz file or a folder")


def listed(names: Iterable[str]) -> str:
    """Return names in alphabetical order with commas between them."""
    return ", ".join(sorted(names))
