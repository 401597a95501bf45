"""The specification of a search: the specification of its trials' runs, and its limits."""

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
    """The task of a search. `config.json` in its folder holds these fields and those of `run`.

    Attributes:
        run: `RunSpec` of the trials, with their data, seed and base preset.
        tuner: str, "random", "bayesian" or "hyperband".
        trials: int, number of trials of "random" and "bayesian".
        epochs: int, epochs of a trial; for "hyperband" the most epochs of a trial.
        retrain_epochs: int, epochs of the winner's full training. 0: no full training.
        max_parameters: int or None, the most parameters of a model. None: no limit. Default: None.
        max_flops: int or None, the most operations of the forward pass on one image. None: no
            limit. Default: None.
        validation_images: int or None, number of training images that only compare the trials.
            None: a tenth of the training images. Default: None.
        batch_size: int or None, batch size that the user gave. None: the preset's. Default: None.
        explicit: dict, the fields that the user's flags gave, with their values. Default: empty.
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
            command: list of str, the user's command, which `config.json` stores.
            base: `Preset` that the search begins with.

        Raises:
            ValueError: if --trials is given for Hyperband.
        """
        if flags.tuner == "hyperband" and flags.trials:
            raise ValueError(
                "--trials must not be given with --tuner hyperband, whose number of trials follows "
                f"from --epochs. Received: --trials {flags.trials}"
            )
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
        """Make the specification that a search's `config.json` holds.

        Args:
            values: the parsed JSON.
            path: path of the file, for messages.

        Raises:
            ValueError: if the file is not the specification of a search.
        """
        if not isinstance(values, dict):
            raise ValueError(
                f"{path} must hold the JSON object of a search. Received: {type(values).__name__}"
            )
        own = {f.name for f in dataclasses.fields(cls)} - {"run", "explicit"}
        missing = {"tuner", "trials", "epochs", "retrain_epochs"} - values.keys()
        if missing:
            raise ValueError(
                f"{path} must hold the specification of a search, and {', '.join(sorted(missing))} "
                f"is missing. Received: {', '.join(sorted(values)) or 'no keys'}"
            )
        run = RunSpec.from_json({k: v for k, v in values.items() if k not in own}, path)
        return cls(run, **{k: v for k, v in values.items() if k in own})

    def to_json(self) -> dict:
        """Return the fields of the run and of the search, as `config.json` holds them."""
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        del own["run"], own["explicit"]
        return {**self.run.to_json(), **own}

    def replace_run(self, **changes) -> "SearchSpec":
        """Return a copy in which the given fields of the run have other values."""
        return dataclasses.replace(self, run=self.run.replace(**changes))

    def refuse_changes(self, asked: "SearchSpec", folder: Path) -> None:
        """Check that the user's flags agree with this specification, which is being resumed.

        Args:
            asked: `SearchSpec` of the user's flags.
            folder: path of the search's folder, for the message.

        Raises:
            ValueError: if a flag asks for another value; the message names both values.
        """
        self.run.refuse_changes(asked.run, folder)
        for name, given in sorted(asked.explicit.items()):
            known = getattr(self.run if name in RUN_FLAGS else self, name)
            if name != "data_dir" and known != given:
                raise ValueError(
                    f"the run in {folder} has {name}={known}; --resume can't change it to {given}"
                )
