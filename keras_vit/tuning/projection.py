"""What makes a proposal a model that can be built, within the budgets."""

import itertools

from keras_vit.tuning.budget import forward_flops, parameter_count

SHRINKING = ("depth", "mlp_dim", "hidden_dim")
MODEL = (*SHRINKING, "num_heads", "patch_size")
MODEL += ("patch_embedding", "positions", "relative_positions", "pool", "drop_path")


def model_arguments(values):
    """`ViT`'s arguments among a proposal's values; "none" is None."""
    return {name: None if values[name] == "none" else values[name] for name in MODEL}


class Projection:
    """Brings proposals to models that can be built and are within the budgets, by a fixed rule.

    1. A stem of convolutions that the patch size does not allow becomes "linear"; so many heads
       that they do not divide the width, into a multiple of 4, become the next fewer that do.
    2. While the model is over a budget, depth, MLP width and token width are lowered to the next
       lower value of the space, one at a time and in turn, so that it keeps its shape; what is at
       its least is passed over. After a change of the width, 1 holds again.
    3. Where all three are at their least, the patches grow to the next size of the space.

    Everything else stays as proposed. A proposal within the budgets stays as it is.

    Args:
        space: a `Space`, for these images.
        fixed: `ViT`'s arguments that are not searched; image shape and classes among them.
        max_parameters: the most parameters; None: any number.
        max_flops: the most operations of the forward pass on one image; None: any number.

    Raises:
        ValueError: where the least of the space's models is over a budget, naming both, or no
            number of heads divides a width.
    """

    def __init__(self, space, fixed, max_parameters=None, max_flops=None):
        self.space = space
        self.fixed = dict(fixed)
        self.max_parameters = max_parameters
        self.max_flops = max_flops
        self._check_least_models()

    def __call__(self, values):
        """The proposal's values as they can be built, by name; the argument stays as it is."""
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

    def cost(self, values):
        """(parameters, FLOPs of the forward pass on an image) of values that can be built."""
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
                f"None of num_heads={self.space.num_heads} divides hidden_dim={width} into heads "
                "of a width that 4 divides."
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
            f"Even a least model of the space has {parameters:,} parameters and takes {flops:,} "
            f"FLOPs an image: over max_parameters={self.max_parameters}, "
            f"max_flops={self.max_flops}. It is {model_arguments(values)}"
        )

    def _check_least_models(self):
        """Every proposal ends at one of these in the worst case, so they all have to fit."""
        names = ("patch_size", "patch_embedding", "positions", "relative_positions", "pool")
        least = {name: getattr(self.space, name)[0] for name in MODEL}
        for hidden_dim in self.space.hidden_dim:
            self._consistent({**least, "hidden_dim": hidden_dim})
        for chosen in itertools.product(*(getattr(self.space, name) for name in names)):
            for num_heads in self.space.num_heads:
                self({**least, **dict(zip(names, chosen, strict=True)), "num_heads": num_heads})


def is_power_of_two(number):
    return number > 1 and number.bit_count() == 1
