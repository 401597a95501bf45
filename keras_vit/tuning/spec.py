"""The specification of a search: that of its runs, and what is searched within."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_vit.runs.preset import Preset
from keras_vit.runs.spec import RunSpec

DEFAULTS = {"data": "cifar10", "tuner": "random", "trials": 20, "epochs": 5, "seed": 0}
# Flags of the search that are fields of its runs.
RUN_FLAGS = ("data", "data_dir", "image_size", "skip_bad", "stream", "limit", "seed", "config")


@dataclasses.dataclass(frozen=True)
class SearchSpec:
    """What a search is to do. `config.json` in its folder holds these fields and the run's.

    Attributes:
        run: `RunSpec` of the trials: their data, seed and base preset.
        tuner: str, "random", "bayesian" or "hyperband".
        trials: int, number of trials of "random" and "bayesian".
        epochs: int, epochs of a trial; for "hyperband" the most.
        retrain_epochs: int, epochs of the winner's training; 0 for none.
        max_parameters: int, the most parameters of a model. Default: None, no limit.
        max_flops: int, the most operations for one image, forward. Default: None, no limit.
        validation_images: int, training images that compare the trials. Default: None, a tenth.
        batch_size: int, as the user gave it. Default: None, the preset's.
        explicit: dict, the fields that the user's flags gave, with their values.
    """

    run: RunSpec
    tuner: str
    trials: int
    epochs: int
    retrain_epochs: int
    max_parameters: int | None = None
    max_flops: int | None = None
    validation_images: int | None = None
    batch_size: int | None = None
    explicit: Mapping[str, object] = dataclasses.field(default_factory=dict, compare=False)

    @classmethod
    def from_flags(cls, flags, command: Sequence[str], base: Preset) -> "SearchSpec":
        """Make the specification that the user's flags ask for.

        Args:
            flags: namespace of `search_parser`.
            command: list of str, the user's command, to be written down.
            base: the `Preset` that the search begins with.

        Raises:
            ValueError: where --trials is given for Hyperband.
        """
        if flags.tuner == "hyperband" and flags.trials:
            raise ValueError("--trials: how many trials Hyperband has follows from --epochs")
        names = {f.name for f in dataclasses.fields(cls)} - {"run", "explicit"}
        given = {
            n: getattr(flags, n) for n in (*names, *RUN_FLAGS) if getattr(flags, n) is not None
        }
        values = {**DEFAULTS, **given}
        preset = dataclasses.replace(base, batch_size=values.get("batch_size") or base.batch_size)
        run = RunSpec(
            recipe="search",
            preset=preset,
            preset_name="search",
            command=shlex.join([w for w in command if w not in ("--resume", "--overwrite")]),
            **{name: values[name] for name in RUN_FLAGS if name in values},
        )
        values.setdefault("retrain_epochs", base.epochs)
        own = {name: values[name] for name in names if name in values}
        return cls(run, **own, explicit=given)

    @classmethod
    def from_json(cls, values: object, path: Path) -> "SearchSpec":
        """Make the specification that a search's `config.json` holds."""
        if not isinstance(values, dict):
            raise ValueError(f"{path} is not a search's: an object is expected")
        own = {f.name for f in dataclasses.fields(cls)} - {"run", "explicit"}
        missing = {"tuner", "trials", "epochs", "retrain_epochs"} - values.keys()
        if missing:
            raise ValueError(f"{path} is not a search's: {', '.join(sorted(missing))} missing")
        run = RunSpec.from_json({k: v for k, v in values.items() if k not in own}, path)
        return cls(run, **{k: v for k, v in values.items() if k in own})

    def to_json(self) -> dict:
        """Return the fields of the run and of the search as `config.json` holds them."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del own["run"], own["explicit"]
        return {**self.run.to_json(), **own}

    def replace_run(self, **changes) -> "SearchSpec":
        """Return the specification with other values of some fields of its run."""
        return dataclasses.replace(self, run=self.run.replace(**changes))

    def refuse_changes(self, asked: "SearchSpec", folder: Path) -> None:
        """Refuse to go on with this search where the user's flags ask for something else.

        Raises:
            ValueError: naming the flag, the search's value and the one asked for.
        """
        self.run.refuse_changes(asked.run, folder)
        for name, given in sorted(asked.explicit.items()):
            known = getattr(self.run if name in RUN_FLAGS else self, name)
            if name != "data_dir" and known != given:
                raise ValueError(
                    f"the run in {folder} has {name}={known}; --resume can't change it to {given}"
                )
