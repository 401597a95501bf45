"""What a run is to do: from the flags, or from the folder of a run that goes on."""

import dataclasses
import shlex

import keras

from keras_vit.hardware import device_kind
from keras_vit.training.config_file import read_preset

# Flags that change a preset, by its fields' names.
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


def may_resume(flags, folder):
    """Whether there is a run to go on with; an error where one is in the way."""
    if flags.resume and flags.overwrite:
        raise ValueError("--resume and --overwrite exclude each other")
    if folder.holds_something() and not flags.resume and not flags.overwrite:
        raise ValueError(
            f"{folder.path} holds a run: go on with --resume, replace it with --overwrite, "
            "or name another folder with --out"
        )
    return flags.resume and folder.holds_something()


def new_settings(recipe, flags, arguments):
    """What a new run is to do: the preset for this device, with the flags' changes."""
    name = preset_name(recipe, flags)
    changes = {
        key: getattr(flags, key) for key in PRESET_FLAGS if getattr(flags, key, None) is not None
    }
    preset = read_preset(flags.config) if flags.config else recipe.presets[name]
    preset = dataclasses.replace(preset, **changes)
    others = {key for key in ("time_limit", "save_every") if getattr(flags, key, None)}
    in_vain = (changes.keys() | others) - {"dtype"}
    if preset.linear_probe and in_vain:
        raise ValueError(
            f"a linear probe has no {', '.join(sorted(in_vain))} to be set: it computes features "
            "once"
        )
    preset = dataclasses.replace(preset, dtype=preset.policy())  # a run goes on as it began
    data = flags.data or preset.data or recipe.data
    if recipe.fine_tunes and flags.checkpoint is None:
        raise ValueError("a checkpoint is needed to start from: a .keras file, or a published one")
    if data is None:
        raise ValueError("--data is needed: a data set's name, a .npz file or a folder")
    words = [word for word in arguments if word not in ("--resume", "--overwrite")]
    return {
        "recipe": recipe.name,
        "command": shlex.join(["python", recipe.script, *words]),
        "preset_name": name,
        "config": flags.config,
        "as_measured": not changes
        and all(getattr(flags, key) is None for key in ("limit", "data", "image_size"))
        and flags.time_limit is None,
        "preset": dataclasses.asdict(preset),
        **({"checkpoint": flags.checkpoint} if recipe.fine_tunes else {}),
        "data": data,
        "data_dir": flags.data_dir,
        "image_size": flags.image_size,
        "skip_bad": bool(flags.skip_bad),
        "stream": flags.stream,
        "limit": flags.limit,
        "time_limit": flags.time_limit,
        "seed": flags.seed or 0,
        "distribute": flags.distribute,
    }


def kept_settings(folder, recipe_name):
    """What a run that goes on is to do; a ValueError where the folder is another recipe's."""
    settings = folder.settings()
    whose = settings.get("recipe", recipe_name)
    if whose != recipe_name:
        raise ValueError(f"{folder.path} holds a run of {whose}, which {recipe_name} can't resume")
    return settings


def kept_preset(recipe, settings, folder):
    """The preset in the settings; a ValueError where this version can't go on with them."""
    missing = {"command", "data_dir", "image_size", "limit", "skip_bad"} - settings.keys()
    try:
        if missing:
            raise ValueError(f"{', '.join(sorted(missing))} missing")
        return recipe.preset_class(**settings["preset"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"{folder.config} is not as this version writes it: {error}") from error


def preset_name(recipe, flags):
    """The preset that the user chose, or the one for these data, or the one for this device.

    "config" for that of a file.
    """
    if flags.config:
        if flags.preset:
            raise ValueError(f"--config and --{recipe.choice} exclude each other")
        return "config"
    for_data = (n for n, p in recipe.presets.items() if flags.data and p.data == flags.data)
    chosen = flags.preset or (None if recipe.study else next(for_data, None))
    return chosen or (recipe.on_cpu if device_kind() == "cpu" else recipe.on_gpu)


REMAINS = (
    "preset",
    "config",
    "checkpoint",
    "data",
    "image_size",
    "skip_bad",
    "stream",
    "limit",
    "time_limit",
    "seed",
    "distribute",
)


def refuse_other_settings(flags, settings, folder):
    """A run goes on with what it began with; a flag that says otherwise is an error."""
    known = {**settings["preset"], **settings, "preset": settings["preset_name"]}
    refuse_changes(flags, known, (*REMAINS, *PRESET_FLAGS), folder)


def refuse_changes(flags, known, keys, folder):
    """An error where a flag differs from what is known of the run in the folder.

    Args:
        flags: what was parsed.
        known: the run's values, by the flags' names.
        keys: the flags to look at.
        folder: a `RunFolder`.
    """
    for key in keys:
        given = getattr(flags, key, None)
        if given is not None and given != known.get(key):
            raise ValueError(
                f"the run in {folder.path} has {key}={known.get(key)}; --resume can't change it "
                f"to {given}"
            )


def announce(recipe, settings, preset):
    """Says what is going to be run, what to expect and how to choose otherwise."""
    name = settings["preset_name"]
    print(
        f"{recipe.name}: {recipe.choice} {name} ({preset.summary}) for this {device_kind()}, "
        f"{keras.backend.backend()} backend, {preset.dtype}"
    )
    if not recipe.fine_tunes:  # what to expect depends on the user's own checkpoint and data
        measured = "expect" if settings["as_measured"] else "without your changes, expect"
        print(f"{recipe.name}: {measured} {preset.expect}")
    others = [other for other in recipe.presets if other != name]
    if others:
        print(f"{recipe.name}: or choose with --{recipe.choice} {'|'.join(others)} (see --help)")
