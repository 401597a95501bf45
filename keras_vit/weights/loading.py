"""`load_checkpoint`, which loads published weights into a `ViT` or `HybridViT`."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_vit.models import HybridViT, ViT
from keras_vit.models.resize import check_interpolation, resize_grid
from keras_vit.weights import google, huggingface, timm
from keras_vit.weights.config_file import read_config
from keras_vit.weights.grids import check_grid, position_grid
from keras_vit.weights.layouts import Layout, Rule
from keras_vit.weights.source import Source
from keras_vit.weights.tensors import ATTRIBUTES, WRAPPERS, Tensors, open_tensors

READERS = (timm, huggingface, google)
CHECKPOINT_FILES = ("model.safetensors", "pytorch_model.bin")
REPLACED_HEAD = ("head/", "pre_logits/")


# The published models whose heads are not 64 wide: SO400M (arXiv 2305.13035), H (arXiv 2010.11929,
# table 1), and g and G (arXiv 2106.04560).
HEADS_BY_WIDTH = {1152: 16, 1280: 16, 1408: 16, 1664: 16}


class LeftOutWarning(UserWarning):
    """The warning that a model does not use some tensors of its checkpoint."""


def load_checkpoint(
    path: str | os.PathLike,
    image_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    num_heads: int | None = None,
    grid: tuple[int, int] | None = None,
    rescaling: tuple[float | Sequence[float], float | Sequence[float]] | None = None,
    interpolation: str = "bicubic",
    **overrides,
) -> ViT | HybridViT:
    """Load a published checkpoint as a `ViT` or `HybridViT`.

    The names of the tensors in the file decide which of these formats it has:

    - Google's `.npz` files of vision_transformer and big_vision, also of hybrid models;
    - timm's `.safetensors` files, and the files of DeiT, DINO and DINOv2, which use the same names;
    - Hugging Face's `.safetensors` files of ViT and DINOv2;
    - files of `torch.save` that hold the tensors of one of these formats. They need PyTorch. The
      function refuses a file that holds code, and runs none of it.

    The function also reads `config.json` and `preprocessor_config.json` beside the file, as timm
    and Hugging Face write them. What neither they nor the tensors give has these defaults:

    - A head is 64 wide. The published SO400M, H, g and G have 16 heads; their width identifies
      them.
    - The activation is the exact GELU, but the tanh approximation of GELU for Google's files.
    - Pixels are rescaled to -1 to 1. DeiT, DINO and DINOv2 instead need
      `rescaling_of(**IMAGENET)`, both of `keras_vit.weights`.

    Args:
        path: str or path, the file, or a folder that holds `model.safetensors` or
            `pytorch_model.bin`.
        image_shape: tuple (height, width, channels). The function interpolates the positions if
            the file is for another size. `None` means the size that the file is for.
            Default: None.
        num_classes: int. `None` keeps the head of the file. 0 leaves the head off. Another number
            than that of the file makes a new head that starts at zero, and drops the `pre_logits`
            of the file. Default: None.
        num_heads: int, number of attention heads. It must be given if neither the file nor a
            config gives it and a head is not 64 wide. Default: None.
        grid: tuple (rows, columns) of the patches that the file has positions for. It must be
            given if this grid is neither that of the model nor a square. Default: None.
        rescaling: tuple (scale, offset) as in `ViT`. `None` means that of the config.
            Default: None.
        interpolation: str, how positions are interpolated: "bicubic" (with antialiasing, as timm
            does) or "scipy-linear" (as Google does; it needs scipy). Default: "bicubic".
        **overrides: other arguments of `ViT` or `HybridViT` that do not change the shapes of the
            weights, such as `dropout`, `drop_path`, `class_names` or `dtype`.

    Returns:
        A `HybridViT` if a ResNet computes the patches, and otherwise a `ViT`.

    Raises:
        ValueError: If the file is damaged or has none of these formats, if tensors are missing,
            left over or of a wrong shape (the message lists them), or if an argument does not fit
            the file.
        ImportError: If the interpolation is "scipy-linear" and scipy is not installed.

    Warns:
        LeftOutWarning: If the model does not use a tensor, such as those of a replaced head, the
            token for masked patches, or a pooler; the message lists them.
    """
    check_interpolation(interpolation)
    path = checkpoint_file(path)
    tensors = open_tensors(path)
    source = read_source(tensors)
    config = read_config(path)
    image_size = config.pop("image_size", None)
    arguments = {**source.arguments, **config}
    if rescaling is not None:
        arguments["rescaling"] = rescaling
    if num_heads or not arguments.get("num_heads"):
        arguments["num_heads"] = num_heads or usual_heads(path, arguments["hidden_dim"])
    skipped = choose_head(arguments, num_classes)
    check_complete(source, skipped)

    if grid is not None and source.positions:
        check_grid(grid, position_count(source), source.prefix_counts)
    grids = [grid, grid_of(image_size, source)]
    if image_shape is None:
        image_shape = (*size_from_positions(source, grids), source.channels)
    elif tuple(image_shape[2:]) != (source.channels,):
        raise ValueError(
            f"{path}: the checkpoint is for images of {source.channels} channels. "
            f"Received: image_shape={tuple(image_shape)}"
        )
    model_class = HybridViT if source.hybrid else ViT
    model = model_class(image_shape, **{**arguments, **overrides})
    rules = [rule for rule in source.rules if not rule.weight_path.startswith(skipped)]
    if source.positions:
        rules += position_rules(source, grids, model, interpolation)
    assign(source, rules, model, new_head=bool(skipped))
    return model


def checkpoint_file(path):
    path = Path(path).expanduser()
    if path.is_dir():
        return file_in(path, CHECKPOINT_FILES)
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    return path


def file_in(folder: Path, names: Sequence[str]) -> Path:
    """Return the first of several files that a folder has.

    Args:
        folder: Path, the folder.
        names: sequence of str, names of files.

    Returns:
        The Path of the file.

    Raises:
        ValueError: If the folder has none of them.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    found = ", ".join(sorted(p.name for p in folder.iterdir())[:10]) or "nothing"
    raise ValueError(
        f"{folder}: the folder must hold {' or '.join(names)}. "
        f"Received: a folder that holds {found}"
    )


def read_source(tensors: Tensors) -> Source:
    """Return the description of a checkpoint by the reader that recognises its tensors."""
    unwrapped = tensors
    while (further := unwrapped.without_prefix(WRAPPERS)) is not None:
        unwrapped = further
    while unwrapped is not None:
        for reader in READERS:
            if reader.recognizes(unwrapped):
                return reader.read(unwrapped)
        unwrapped = unwrapped.without_prefix(ATTRIBUTES)
    some = ", ".join(sorted(tensors.names)[:5])
    raise ValueError(
        f"{tensors.path}: the checkpoint must be a ViT of Google's, timm's or Hugging Face's. "
        f"Received: a file with the tensors {some} …"
    )


def usual_heads(path: str | os.PathLike, hidden_dim: int) -> int:
    """Return the number of heads of a published ViT.

    Args:
        path: str or path, the checkpoint, for the message.
        hidden_dim: int, width of the tokens.

    Returns:
        The number of heads of the published model of this width, or as many heads as are 64 wide.

    Raises:
        ValueError: If 64 does not divide the width.
    """
    if hidden_dim in HEADS_BY_WIDTH:
        return HEADS_BY_WIDTH[hidden_dim]
    if hidden_dim % 64:
        raise ValueError(
            f"{path}: `num_heads` must be given, because the checkpoint does not give it and the "
            f"usual head width of 64 does not divide the width of the tokens. "
            f"Received: hidden_dim={hidden_dim}"
        )
    return hidden_dim // 64


def choose_head(arguments: dict, num_classes: int | None) -> tuple[str, ...]:
    """Set the arguments of the model that describe its head.

    Args:
        arguments: dict of arguments of the model, changed in place.
        num_classes: int or `None`, the argument of `load_checkpoint`.

    Returns:
        A tuple with the beginnings of the paths of those weights that the model does not take
        from the file.
    """
    classes_of_file = arguments["num_classes"]
    names = arguments.get("class_names")
    if num_classes is None or num_classes == classes_of_file:
        if names is not None and len(names) != classes_of_file:
            del arguments["class_names"]
        return ()
    arguments["num_classes"] = num_classes
    arguments.pop("class_names", None)
    if num_classes == 0:
        return ("head/",)
    arguments["pre_logits"] = None
    return REPLACED_HEAD


def check_complete(source: Source, skipped: tuple[str, ...]) -> None:
    """Compare the tensors of a file with those that the rules use.

    Args:
        source: `Source` of the file.
        skipped: tuple of str, what `choose_head` returns.

    Raises:
        ValueError: If tensors are missing or left over; the message lists all of them.

    Warns:
        LeftOutWarning: If the model does not use a tensor and the format allows that.
    """
    tensors = source.tensors
    used = {name for rule in source.rules for name in rule.tensor_names} | {source.positions}
    missing = sorted(used - tensors.names - {None})
    left_over = tensors.names - used - source.ignorable.keys()
    problems = [
        f"{problem}: {', '.join(sorted(map(tensors.name_in_file, names)))}"
        for problem, names in (
            ("the file lacks tensors that the model needs", missing),
            ("the file holds tensors that the model can't use", left_over),
        )
        if names
    ]
    if problems:
        raise ValueError(f"{tensors.path}: {'; '.join(problems)}")
    unused = {name: source.ignorable[name] for name in source.ignorable.keys() & tensors.names}
    for rule in source.rules:
        if rule.weight_path.startswith(skipped):
            unused |= dict.fromkeys(rule.tensor_names, "the file's own head")
    if unused:
        listed = "; ".join(
            f"{tensors.name_in_file(name)} ({unused[name]})" for name in sorted(unused)
        )
        warnings.warn(
            f"{tensors.path}: the model does not use these tensors: {listed}",
            LeftOutWarning,
            stacklevel=3,
        )


def grid_of(image_size: tuple[int, int] | None, source: Source) -> tuple[int, int] | None:
    """Return the grid of patches of an image.

    Args:
        image_size: tuple (height, width) in pixels, or `None` if it is not known.
        source: `Source` of the file.

    Returns:
        The tuple (rows, columns), or `None` if the size is not known or the patches do not divide
        it.
    """
    cells = [side * source.reduction for side in source.arguments["patch_size"]]
    if image_size is None or any(s % c for s, c in zip(image_size, cells, strict=True)):
        return None
    return tuple(s // c for s, c in zip(image_size, cells, strict=True))


def position_count(source: Source) -> int:
    """Return the number of learned positions in a file."""
    return source.tensors.shape(source.positions, 3)[1]


def size_from_positions(source: Source, grids: Sequence[tuple[int, int] | None]) -> tuple[int, int]:
    """Return the (height, width) in pixels of the images that a file has positions for."""
    if source.positions is None:
        raise ValueError(
            f"{source.tensors.path}: the model has fixed positions, which fit images of any size, "
            f"so `image_shape` must be given. Received: image_shape=None"
        )
    _, grid = position_grid(position_count(source), source.prefix_counts, grids)
    patch_size = source.arguments["patch_size"]
    return tuple(n * c * source.reduction for n, c in zip(grid, patch_size, strict=True))


def position_rules(
    source: Source,
    grids: Sequence[tuple[int, int] | None],
    model: ViT | HybridViT,
    interpolation: str,
) -> list[Rule]:
    """Return the rules that bring the positions of a file to a model's grid and tokens.

    Args:
        source: `Source` of the file.
        grids: sequence of (rows, columns) or `None`: the grid that the user gives, then the grid
            of the config.
        model: `ViT` or `HybridViT` that the positions are for.
        interpolation: str, as in `load_checkpoint`.

    Returns:
        A list with the rule of the positions, and with that of the registers if the file has
        positions for them.
    """
    # The grids of the user and of the config come first, then that of the model, then a square.
    prefix_count, grid = position_grid(
        position_count(source), source.prefix_counts, [*grids, model.grid]
    )
    tokens = int(model.class_token)

    def resized_positions(positions):
        patches = positions[0, prefix_count:].reshape(*grid, -1)
        patches = resize_grid(patches, model.grid, interpolation)
        # A class token without a position in the file gets a position of zeros.
        prefix = positions[:, :tokens] if prefix_count else np.zeros_like(positions[:, :tokens])
        return np.concatenate([prefix, patches.reshape(1, -1, positions.shape[-1])], axis=1)

    rules = [Rule((source.positions,), "patch_encoder/positions", Layout(resized_positions))]
    # timm's registers may have positions. Registers have none in this package, so their positions
    # are added to the registers themselves.
    if prefix_count > tokens:
        rules.append(
            Rule(
                ("reg_token", source.positions),
                "patch_encoder/registers",
                Layout(lambda registers, positions: registers + positions[:, tokens:prefix_count]),
            )
        )
    return rules


def assign(source: Source, rules: list[Rule], model: ViT | HybridViT, new_head: bool) -> None:
    """Assign the tensors of a file to the weights of a model.

    Args:
        source: `Source` of the file.
        rules: list of `Rule`; of several rules for one weight, the last one counts.
        model: `ViT` or `HybridViT`.
        new_head: bool, whether the model's head keeps its initial values.

    Raises:
        ValueError: If a weight has no rule, or a tensor does not fit its weight.
    """
    tensors = source.tensors
    rule_of = {rule.weight_path: rule for rule in rules}
    weights = {weight.path: weight for weight in model.weights}
    absent = sorted(
        path
        for path in weights.keys() - rule_of.keys()
        if not (new_head and path.startswith("head/"))
    )
    if absent:
        raise ValueError(
            f"{tensors.path}: the file has no tensors for these weights of the model: "
            f"{', '.join(absent)}"
        )
    for path, rule in rule_of.items():
        arrays = [tensors.read(name) for name in rule.tensor_names]
        try:
            value = rule.layout.read(*arrays)
            fits = value.shape == tuple(weights[path].shape)
        except (ValueError, IndexError, KeyError):
            fits = False
        if not fits:
            received = ", ".join(
                f"{tensors.name_in_file(name)} of shape {array.shape}"
                for name, array in zip(rule.tensor_names, arrays, strict=True)
            )
            expected = (
                f"must fit the model's weight {path} of shape {tuple(weights[path].shape)}"
                if path in weights
                else f"are for a weight {path}, which the model does not have"
            )
            raise ValueError(f"{tensors.path}: the tensors {expected}. Received: {received}")
        weights[path].assign(np.ascontiguousarray(value))
