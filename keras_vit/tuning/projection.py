"""The fixed rule that changes a proposal into a model that can be built within the budgets."""

import itertools

from keras_vit.tuning.budget import forward_flops, parameter_count
from keras_vit.tuning.space import Space

SHRINKING = ("depth", "mlp_dim", "hidden_dim")
MODEL = (*SHRINKING, "num_heads", "patch_size")
MODEL += ("patch_embedding", "positions", "relative_positions", "pool", "drop_path")


def model_arguments(values: dict) -> dict:
    """Return the arguments of `ViT` among a proposal's values, with None in place of "none"."""
    return {name: None if values[name] == "none" else values[name] for name in MODEL}


class Projection:
    """A function from proposals to models that can be built and are within the budgets.

    It follows a fixed rule:

    1. A convolutional stem becomes "linear" where the patch size is not a power of two. The number
       of heads becomes the next lower one that divides the width into heads whose own width is a
       multiple of 4.
    2. While the model is over a budget, depth, MLP width and token width are lowered in turn, one
       at a time, each to the next lower value of the space. So the model keeps its proportions. A
       size that already has its lowest value is skipped. Step 1 follows each change.
    3. Where all three sizes have their lowest values, the patches grow to the next size of the
       space.

    All other values stay as proposed. A proposal that can be built within the budgets stays
    unchanged.

    Args:
        space: `Space`, with patch sizes for these images (see `Space.for_images`).
        fixed: dict, the arguments of `ViT` that are not searched, `image_shape` and `num_classes`
            among them.
        max_parameters: int or None, the most parameters of a model. None: no limit. Default: None.
        max_flops: int or None, the most operations of the forward pass on one image. None: no
            limit. Default: None.

    Raises:
        ValueError: if a smallest model of the space is over a budget, or if no number of heads
            divides one of the widths.
    """

    def __init__(
        self,
        space: Space,
        fixed: dict,
        max_parameters: int | None = None,
        max_flops: int | None = None,
    ) -> None:
        self.space = space
        self.fixed = dict(fixed)
        self.max_parameters = max_parameters
        self.max_flops = max_flops
        self._check_least_models()

    def __call__(self, values: dict) -> dict:
        """Return a proposal's values, changed so that the model can be built within the budgets.

        Args:
            values: dict, the proposed values by name; it is not changed.
        """
        values = self._consistent(values)
        turns = itertools.cycle(SHRINKING)
        while self._over(values):
            turn = itertools.islice(turns, len(SHRINKING))
            name = next((name for name in turn if self._less(values, name)), None)
            if name is not None:
                values[name] = self._less(values, name)
            elif (larger := self._more(values, "patch_size")) is not None:
                values["patch_size"] = larger
            else:
                raise ValueError(self._too_small(values))
            values = self._consistent(values)
        return values

    def cost(self, values: dict) -> tuple[int, int]:
        """Return (parameters, operations of the forward pass on an image) of a proposal's model.

        Args:
            values: dict, values by name that can be built, as a call returns them.
        """
        arguments = {**self.fixed, **model_arguments(values)}
        return parameter_count(**arguments), forward_flops(**arguments)

    def _over(self, values):
        return any(
            most is not None and cost > most
            for cost, most in zip(
                self.cost(values), (self.max_parameters, self.max_flops), strict=True
            )
        )

    def _consistent(self, values):
        values = dict(values)
        if values["patch_embedding"] == "stem" and not is_power_of_two(values["patch_size"]):
            values["patch_embedding"] = "linear"
        width = values["hidden_dim"]
        fitting = [n for n in self.space.num_heads if width % (4 * n) == 0]
        if not fitting:
            raise ValueError(
                "`num_heads` of the space must hold a number that divides each `hidden_dim` into "
                "heads whose width is a multiple of 4. "
                f"Received: num_heads={self.space.num_heads}, hidden_dim={width}"
            )
        fewer = [n for n in fitting if n <= values["num_heads"]]
        values["num_heads"] = fewer[-1] if fewer else fitting[0]
        return values

    def _less(self, values, name):
        return max((v for v in getattr(self.space, name) if v < values[name]), default=None)

    def _more(self, values, name):
        return min((v for v in getattr(self.space, name) if v > values[name]), default=None)

    def _too_small(self, values):
        parameters, flops = self.cost(values)
        return (
            f"the budgets must allow the smallest models of the space, but one of them has "
            f"{parameters:,} parameters and takes {flops:,} FLOPs for an image: "
            f"{model_arguments(values)}. "
            f"Received: max_parameters={self.max_parameters}, max_flops={self.max_flops}"
        )

    def _check_least_models(self):
        """Check the budgets against the models at which the rule ends in the worst case."""
        names = ("patch_size", "patch_embedding", "positions", "relative_positions", "pool")
        least = {name: getattr(self.space, name)[0] for name in MODEL}
        for hidden_dim in self.space.hidden_dim:
            self._consistent({**least, "hidden_dim": hidden_dim})
        for chosen in itertools.product(*(getattr(self.space, name) for name in names)):
            for num_heads in self.space.num_heads:
                self({**least, **dict(zip(names, chosen, strict=True)), "num_heads": num_heads})


def is_power_of_two(number: int) -> bool:
    return number > 1 and number.bit_count() == 1
