"""Published weights into a model of ours."""

import warnings
from pathlib import Path

import numpy as np

from keras_vit.models import HybridViT, ViT
from keras_vit.models.resize import check_interpolation, resize_grid
from keras_vit.weights import google, huggingface, timm
from keras_vit.weights.config_file import read_config
from keras_vit.weights.grids import check_grid, position_grid
from keras_vit.weights.layouts import Layout, Rule
from keras_vit.weights.tensors import open_tensors

FORMATS = (timm, huggingface, google)
FILES = ("model.safetensors", "pytorch_model.bin")
REPLACED_HEAD = ("head/", "pre_logits/")


# Published ones whose heads are not 64 wide: SO400M (arXiv 2305.13035), H (2010.11929, table 1), g
# and G (2106.04560).
HEADS_BY_WIDTH = {1152: 16, 1280: 16, 1408: 16, 1664: 16}


class LeftOutWarning(UserWarning):
    """Tells which tensors of a checkpoint its model does not use."""


def load_checkpoint(
    path,
    image_shape=None,
    num_classes=None,
    num_heads=None,
    grid=None,
    rescaling=None,
    interpolation="bicubic",
    **overrides,
):
    """A model with the published weights of a file.

    Formats, told apart by what is in the file:

    - Google's `.npz`, of vision_transformer and of big_vision, hybrids too;
    - timm's `.safetensors`, with the same names DeiT's, DINO's and DINOv2's own files;
    - Hugging Face's `.safetensors` of ViT and DINOv2;
    - PyTorch's own files with the tensors of one of these, where torch is installed. Code in
      them is refused, not run.

    `config.json` and `preprocessor_config.json` beside the file, as Hugging Face and timm have
    them, are read. Where they do not tell, a head is 64 wide, but wider in the published SO400M, H,
    g and G, which are known by their width; GELU is exact but in Google's models, which have the
    one by tanh; and pixels are brought to -1..1: DeiT, DINO and DINOv2 want
    `rescaling_of(**IMAGENET)` of `keras_vit.weights` instead.

    Args:
        path: of the file, or a folder with `model.safetensors` or `pytorch_model.bin`.
        image_shape: (height, width, channels); None: that of the file's positions. Another size
            interpolates the positions, from any grid to any other.
        num_classes: None keeps the file's head, another number makes a new one that starts at
            zero and drops the file's `pre_logits`, 0 leaves the head off.
        num_heads: of attention, where neither the file nor a config tells and a head is not 64
            wide.
        grid: (rows, columns) of the file's patches, where they are neither as the model's nor a
            square.
        rescaling: as in `ViT`, instead of the config's.
        interpolation: of positions, "bicubic" (with antialias, as timm's) or "scipy-linear" (as
            Google's).
        **overrides: any other argument of `ViT` or `HybridViT` that the weights leave open, such
            as `dropout`, `drop_path`, `class_names` or `dtype`.

    Returns:
        A `ViT`; a `HybridViT` where the patches come out of a ResNet.

    Raises:
        ValueError: naming a file that is damaged or in no such format, a tensor of a wrong shape,
            or every tensor that is missing and every one that is left over.

    Warns:
        LeftOutWarning: naming tensors that the model does not use: a replaced head, the token
            for masked patches, a pooler.
    """
    check_interpolation(interpolation)
    path = checkpoint_file(path)
    tensors = open_tensors(path)
    source = understood(tensors)
    config = read_config(path)
    image_size = config.pop("image_size", None)
    arguments = {**source.arguments, **config}
    if rescaling is not None:
        arguments["rescaling"] = rescaling
    if num_heads or not arguments.get("num_heads"):
        arguments["num_heads"] = num_heads or usual_heads(path, arguments["hidden_dim"])
    left_out = settle_head(arguments, num_classes)
    check_complete(source, left_out)

    if grid is not None and source.positions:
        check_grid(grid, position_count(source), source.prefixes)
    grids = [grid, grid_of(image_size, source)]
    if image_shape is None:
        image_shape = (*own_image_size(source, grids), source.channels)
    elif tuple(image_shape[2:]) != (source.channels,):
        raise ValueError(
            f"{path} is for images of {source.channels} channels. Received: image_shape="
            f"{tuple(image_shape)}"
        )
    model_class = HybridViT if source.hybrid else ViT
    model = model_class(image_shape, **{**arguments, **overrides})
    rules = [rule for rule in source.rules if not rule.ours.startswith(left_out)]
    if source.positions:
        rules += position_rules(source, grids, model, interpolation)
    assign(source, rules, model, fresh=("head/",) if left_out else ())
    return model


def checkpoint_file(path):
    path = Path(path).expanduser()
    if path.is_dir():
        return file_in(path, FILES)
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    return path


def file_in(folder, names):
    """The first of these files that a folder has."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(f"{folder}: a folder without {' or '.join(names)}")


def understood(tensors):
    """The `Source` of a file in one of the formats."""
    for format in FORMATS:
        if format.recognizes(tensors):
            return format.read(tensors)
    some = ", ".join(sorted(tensors.names)[:5])
    raise ValueError(
        f"{tensors.path}: neither a ViT of Google's nor one of timm's or Hugging Face's. Its "
        f"tensors: {some} …"
    )


def usual_heads(path, hidden_dim):
    """The heads of a published ViT of a width, else as many as are 64 wide."""
    if hidden_dim in HEADS_BY_WIDTH:
        return HEADS_BY_WIDTH[hidden_dim]
    if hidden_dim % 64:
        raise ValueError(
            f"{path}: how many heads there are is not in the file, and 64 does not divide the "
            f"width of {hidden_dim}: say it with num_heads"
        )
    return hidden_dim // 64


def settle_head(arguments, num_classes):
    """Puts the number of classes into the arguments; gives the prefixes of weights left out."""
    own = arguments["num_classes"]
    names = arguments.get("class_names")
    if num_classes is None or num_classes == own:
        if names is not None and len(names) != own:
            del arguments["class_names"]
        return ()
    arguments["num_classes"] = num_classes
    arguments.pop("class_names", None)
    if num_classes == 0:
        return ("head/",)
    arguments["pre_logits"] = None
    return REPLACED_HEAD


def check_complete(source, left_out):
    """A ValueError that lists what is missing and what is left over; a warning of the spare."""
    tensors = source.tensors
    used = {name for rule in source.rules for name in rule.theirs} | {source.positions}
    missing = sorted(used - tensors.names - {None})
    left = tensors.names - used - source.spare.keys()
    if missing or left:
        problems = [
            f"{what}: {', '.join(sorted(map(tensors.original, names)))}"
            for what, names in (("missing", missing), ("left over", left))
            if names
        ]
        raise ValueError(f"{tensors.path}: {'; '.join(problems)}")
    spare = {name: source.spare[name] for name in source.spare.keys() & tensors.names}
    for rule in source.rules:
        if rule.ours.startswith(left_out):
            spare |= dict.fromkeys(rule.theirs, "the file's own head")
    if spare:
        told = "; ".join(f"{tensors.original(name)} ({spare[name]})" for name in sorted(spare))
        warnings.warn(f"{tensors.path}: not used: {told}", LeftOutWarning, stacklevel=3)


def grid_of(image_size, source):
    """The grid of patches of an image; None where it is not known or not whole."""
    cells = [side * source.reduction for side in source.arguments["patch_size"]]
    if image_size is None or any(s % c for s, c in zip(image_size, cells, strict=True)):
        return None
    return tuple(s // c for s, c in zip(image_size, cells, strict=True))


def position_count(source):
    return source.tensors.shape(source.positions, 3)[1]


def own_image_size(source, grids):
    """(height, width) of the images that the file's positions are for."""
    if source.positions is None:
        raise ValueError(
            f"{source.tensors.path}: fixed positions, of any image: say its size with image_shape"
        )
    _, grid = position_grid(position_count(source), source.prefixes, grids)
    patch_size = source.arguments["patch_size"]
    return tuple(n * c * source.reduction for n, c in zip(grid, patch_size, strict=True))


def position_rules(source, grids, model, interpolation):
    """The rules that bring the file's positions to the model's grid and tokens."""
    # After what the user and the config say, before a square.
    prefix, grid = position_grid(position_count(source), source.prefixes, [*grids, model.grid])
    tokens = int(model.class_token)

    def patches_resized(positions):
        patches = positions[0, prefix:].reshape(*grid, -1)
        patches = resize_grid(patches, model.grid, interpolation)
        # Where the class token has no position, it has one of zero.
        ahead = positions[:, :tokens] if prefix else np.zeros_like(positions[:, :tokens])
        return np.concatenate([ahead, patches.reshape(1, -1, positions.shape[-1])], axis=1)

    rules = [Rule((source.positions,), "patch_encoder/positions", Layout(patches_resized))]
    if prefix > tokens:  # timm's registers may have positions; ours have none, and take them up
        rules.append(
            Rule(
                ("reg_token", source.positions),
                "patch_encoder/registers",
                Layout(lambda registers, positions: registers + positions[:, tokens:prefix]),
            )
        )
    return rules


def assign(source, rules, model, fresh):
    """Gives a model's weights their values by the rules; the last one for a weight counts."""
    tensors = source.tensors
    by_weight = {rule.ours: rule for rule in rules}
    weights = {weight.path: weight for weight in model.weights}
    absent = sorted(
        path for path in weights.keys() - by_weight.keys() if not path.startswith(tuple(fresh))
    )
    if absent:
        raise ValueError(f"{tensors.path}: missing, by our names: {', '.join(absent)}")
    for path, rule in by_weight.items():
        arrays = [tensors.read(name) for name in rule.theirs]
        try:
            value = rule.layout.read(*arrays)
            fits = value.shape == tuple(weights[path].shape)
        except (ValueError, IndexError, KeyError):
            fits = False
        if not fits:
            shapes = ", ".join(
                f"{tensors.original(name)} {array.shape}"
                for name, array in zip(rule.theirs, arrays, strict=True)
            )
            wanted = f"{path} {tuple(weights[path].shape)}" if path in weights else f"no {path}"
            raise ValueError(f"{tensors.path}: wrong shape: {shapes}, where there is {wanted}")
        weights[path].assign(np.ascontiguousarray(value))
