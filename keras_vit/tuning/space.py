"""The values that a search chooses from."""

import dataclasses

PATCH_SIZES = (2, 4, 7, 8, 14, 16)
# The number of patches of an image by default. Fewer patches are too coarse; more cost too much.
PATCHES = range(16, 197)


@dataclasses.dataclass(frozen=True)
class Space:
    """The values that a search may choose from. A single value fixes a hyperparameter.

    Each attribute is the hyperparameter of the same name. Where `ViT` has an argument of that name,
    the hyperparameter is that argument, and "none" stands for None.

    Attributes:
        depth: tuple of ints in rising order, numbers of blocks. Default: (2, 3, 4, 5, 6, 8).
        hidden_dim: tuple of ints in rising order, widths of the tokens. Default: (64, 96, 128, 160,
            192, 256).
        num_heads: tuple of ints in rising order, numbers of heads. Default: (2, 4, 8).
        mlp_dim: tuple of ints in rising order, widths of the MLPs. Default: (64, 128, 192, 256,
            384, 512).
        patch_size: tuple of ints in rising order, sides of the patches in pixels, or None. None:
            those of 2, 4, 7, 8, 14 and 16 that divide the images into 16 to 196 patches. Default:
            None.
        patch_embedding: tuple of "linear", "conv" and "stem". Default: ("linear", "stem").
        positions: tuple of "learned", "sincos1d", "sincos2d" and "none". Default: ("learned",
            "sincos2d", "none").
        relative_positions: tuple of "none", "rotary" and "bias". Default: ("none", "rotary",
            "bias").
        pool: tuple of "token" and "mean". Default: ("token", "mean").
        drop_path: tuple of floats in [0, 1) in rising order, rates of stochastic depth. Default:
            (0.0, 0.05, 0.1, 0.2).
        learning_rate: pair of floats, the least and the most peak learning rate; its logarithm is
            drawn evenly. Default: (3e-4, 5e-3).
        weight_decay: pair of floats, the least and the most weight decay; its logarithm is drawn
            evenly. Default: (1e-3, 0.3).
        augmentation: tuple of floats in rising order, strengths of the augmentation. The base
            preset's shifts, mixup and CutMix are multiplied by the strength; 0 is no augmentation.
            Default: (0.0, 0.5, 1.0, 1.5, 2.0).
        flip: tuple of bools, whether images are flipped left to right at random. Default: (False,
            True).
        label_smoothing: tuple of floats in [0, 1) in rising order, shares of the label that are
            spread over all classes. Default: (0.0, 0.05, 0.1, 0.2).

    Raises:
        ValueError: if the values of a hyperparameter are missing or not in rising order.
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
                raise ValueError(
                    f"`{name}` must be one or more numbers in rising order. "
                    f"Received: {name}={values}"
                )
        for name in RANGES:
            values = getattr(self, name)
            if len(values) != 2 or not 0 < values[0] <= values[1]:
                raise ValueError(
                    f"`{name}` must be a pair (least, most) of numbers greater than 0. "
                    f"Received: {name}={values}"
                )
        for name in NAMES:
            if not getattr(self, name):
                raise ValueError(
                    f"`{name}` must hold at least one value. Received: {name}={getattr(self, name)}"
                )

    def for_images(self, image_shape: tuple[int, int, int]) -> "Space":
        """Return the space with patch sizes that divide the images.

        Args:
            image_shape: tuple of ints, (height, width, channels).

        Raises:
            ValueError: if a given patch size does not divide the images, or no size does.
        """
        height, width = image_shape[:2]
        sizes = self.patch_size or [
            size for size in PATCH_SIZES if (height // size) * (width // size) in PATCHES
        ]
        fitting = tuple(size for size in sizes if not height % size and not width % size)
        if not fitting or (self.patch_size and fitting != tuple(sizes)):
            raise ValueError(
                "every `patch_size` of the space must divide the images' height and width, and "
                "without `patch_size` one of 2, 4, 7, 8, 14 and 16 must divide them into 16 to 196 "
                f"patches. Received: patch_size={self.patch_size}, images of {height}x{width} "
                "pixels"
            )
        return dataclasses.replace(self, patch_size=fitting)

    def declare(self, hp, defaults: dict) -> dict:
        """Declare every hyperparameter to KerasTuner and get its value.

        Args:
            hp: `keras_tuner.HyperParameters`.
            defaults: dict, the value by name that a search begins with. Where the space does not
                hold a default, the nearest number or the first name takes its place.

        Returns:
            dict, the value of each hyperparameter by name.
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
