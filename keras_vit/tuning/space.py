"""What is searched over."""

import dataclasses

PATCH_SIZES = (2, 4, 7, 8, 14, 16)
PATCHES = range(16, 197)  # of an image: fewer see little of it, more cost too much by default


@dataclasses.dataclass(frozen=True)
class Space:
    """The values that a search may choose from; one value alone fixes it.

    Every name is also the name of the hyperparameter. Where `ViT` has an argument of that name,
    it is that argument, and "none" stands for None.

    Attributes:
        depth: numbers of blocks, rising.
        hidden_dim: widths of the tokens, rising.
        num_heads: numbers of heads, rising.
        mlp_dim: widths of the MLPs, rising.
        patch_size: pixels a side, rising; None: those of 2, 4, 7, 8, 14 and 16 that divide the
            images into 16 to 196 patches.
        patch_embedding: "linear", "conv", "stem".
        positions: "learned", "sincos1d", "sincos2d", "none".
        relative_positions: "none", "rotary", "bias".
        pool: "token", "mean".
        drop_path: rates of stochastic depth.
        learning_rate: (least, most) of the peak learning rate, drawn by its logarithm.
        weight_decay: (least, most), drawn by its logarithm.
        augmentation: strengths; 1 is what the base preset has of shifts, mixup and CutMix, 0 is
            no augmentation.
        flip: whether to flip left and right.
        label_smoothing: shares.
    """

    depth: tuple[int, ...] = (2, 3, 4, 5, 6, 8)
    hidden_dim: tuple[int, ...] = (64, 96, 128, 160, 192, 256)
    num_heads: tuple[int, ...] = (2, 4, 8)
    mlp_dim: tuple[int, ...] = (64, 128, 192, 256, 384, 512)
    patch_size: tuple[int, ...] | None = None
    patch_embedding: tuple[str, ...] = ("linear", "stem")
    positions: tuple[str, ...] = ("learned", "sincos2d", "none")
    relative_positions: tuple[str, ...] = ("none", "rotary", "bias")
    pool: tuple[str, ...] = ("token", "mean")
    drop_path: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2)
    learning_rate: tuple[float, float] = (3e-4, 5e-3)
    weight_decay: tuple[float, float] = (1e-3, 0.3)
    augmentation: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0)
    flip: tuple[bool, ...] = (False, True)
    label_smoothing: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2)

    def __post_init__(self):
        for name in NUMBERS:
            values = getattr(self, name)
            if name == "patch_size" and values is None:
                continue
            if not values or list(values) != sorted(set(values)):
                raise ValueError(f"`{name}` must be numbers in rising order. Received: {values}")
        for name in RANGES:
            values = getattr(self, name)
            if len(values) != 2 or not 0 < values[0] <= values[1]:
                raise ValueError(f"`{name}` must be (least, most), above 0. Received: {values}")
        for name in NAMES:
            if not getattr(self, name):
                raise ValueError(f"`{name}` must have a value to choose.")

    def for_images(self, image_shape):
        """The same with patch sizes for images of (height, width, channels)."""
        height, width = image_shape[:2]
        sizes = self.patch_size or [
            size for size in PATCH_SIZES if (height // size) * (width // size) in PATCHES
        ]
        fitting = tuple(size for size in sizes if not height % size and not width % size)
        if not fitting or (self.patch_size and fitting != tuple(sizes)):
            raise ValueError(
                f"The patch sizes {tuple(sizes)} do not divide images of {height}x{width} pixels: "
                "name others with `Space(patch_size=...)`"
            )
        return dataclasses.replace(self, patch_size=fitting)

    def declare(self, hp, defaults):
        """Asks KerasTuner for every value.

        Args:
            hp: `keras_tuner.HyperParameters`.
            defaults: what to begin with, by name; the nearest number, or the first name, where
                the space does not have it.

        Returns:
            The values, by name.
        """
        values = {}
        for name in NUMBERS:
            choices = list(getattr(self, name))
            default = min(choices, key=lambda choice, name=name: abs(choice - defaults[name]))
            values[name] = hp.Choice(name, choices, default=default)
        for name in NAMES:
            choices = list(getattr(self, name))
            default = defaults[name] if defaults[name] in choices else choices[0]
            values[name] = hp.Choice(name, choices, default=default)
        for name in RANGES:
            least, most = (float(value) for value in getattr(self, name))
            default = min(max(defaults[name], least), most)
            values[name] = (
                hp.Fixed(name, least)
                if least == most
                else hp.Float(name, least, most, sampling="log", default=default)
            )
        values["flip"] = (
            hp.Boolean("flip", default=defaults["flip"])
            if len(self.flip) > 1
            else hp.Fixed("flip", bool(self.flip[0]))
        )
        return values


SIZES = ("depth", "hidden_dim", "num_heads", "mlp_dim", "patch_size")
RATES = ("drop_path", "augmentation", "label_smoothing")
NUMBERS = SIZES + RATES
NAMES = ("patch_embedding", "positions", "relative_positions", "pool")
RANGES = ("learning_rate", "weight_decay")
