"""The optimizers that presets name, with weight decay for kernels only."""

import keras

from keras_vit.train.adam_l2 import AdamL2
from keras_vit.train.layerwise_rates import LayerwiseAdamW, LayerwiseSGD, layerwise_rates
from keras_vit.train.muon import SplitMuon

OPTIMIZERS = ("adamw", "adamw_all", "adam_l2", "adam", "sgd", "muon")
LAYERWISE = ("adamw", "sgd")


def optimizer(
    name: str,
    model: keras.Model,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float,
    layer_decay: float = 1.0,
    beta_1: float = 0.9,
    **kwargs,
) -> keras.optimizers.Optimizer:
    """Make an optimizer by its name in a preset.

    Args:
        name: "adamw" (decays only kernels), "adamw_all" (decays every weight, as PyTorch's AdamW
            does), "adam_l2" (PyTorch's Adam with weight decay), "adam", "sgd" or "muon" (Muon for
            the matrices of the blocks, and "adamw" for the other weights).
        model: the built model that the optimizer trains.
        learning_rate: float or schedule, the learning rate.
        weight_decay: float, 0 or more, the weight decay; must be 0 for "adam" and "sgd".
        layer_decay: float in (0, 1], factor of the learning rate from each layer to the one before
            it (see `layerwise_rates`); must be 1 except for "adamw" and "sgd". Default: 1.0.
        beta_1: float, decay of the mean gradient; for "sgd" the momentum. Default: 0.9.
        **kwargs: further arguments of the Keras optimizer, such as `global_clipnorm` and `use_ema`.

    Returns:
        The optimizer.

    Raises:
        ValueError: if the name is unknown, or if a decay is given that the optimizer does not have.
    """
    check_optimizer(name, weight_decay, layer_decay)
    rates = {"rates": layerwise_rates(model, layer_decay)} if layer_decay != 1 else {}
    if name == "sgd":
        make = LayerwiseSGD if rates else keras.optimizers.SGD
        return make(learning_rate, momentum=beta_1, **rates, **kwargs)
    if name == "muon":
        return muon(model, learning_rate, weight_decay, adam_beta_1=beta_1, **kwargs)
    kwargs["beta_1"] = beta_1
    if name == "adamw":
        return adamw(model, learning_rate, weight_decay, **rates, **kwargs)
    if name == "adamw_all":
        return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay, **kwargs)
    if name == "adam_l2":
        return AdamL2(learning_rate, l2=weight_decay, **kwargs)
    return keras.optimizers.Adam(learning_rate, **kwargs)


def check_optimizer(name: str, weight_decay: float, layer_decay: float = 1.0) -> None:
    """Raise a ValueError for an unknown name or a decay that the optimizer does not have.

    The arguments are those of `optimizer`.
    """
    if name not in OPTIMIZERS or (name in ("adam", "sgd") and weight_decay):
        raise ValueError(
            f"`optimizer` must be one of {OPTIMIZERS}, and for adam and sgd `weight_decay` must be "
            f"0. Received: optimizer={name!r}, weight_decay={weight_decay}"
        )
    if not 0 < layer_decay <= 1 or (layer_decay != 1 and name not in LAYERWISE):
        raise ValueError(
            "`layer_decay` must be above 0 and at most 1, and other optimizers than "
            f"{' and '.join(LAYERWISE)} need 1. "
            f"Received: layer_decay={layer_decay}, optimizer={name!r}"
        )


def adamw(
    model: keras.Model,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float = 0.05,
    **kwargs,
) -> keras.optimizers.AdamW:
    """Make AdamW with weight decay for kernels only.

    Source: arXiv 1711.05101. Norms, biases, class and register tokens, positions and scales do not
    decay. The function names these variables to Keras one by one, because
    `exclude_from_weight_decay(var_names=...)` compares a variable's `name` and not its `path`.

    Keras does not save which variables do not decay: an optimizer that was loaded decays all of
    them. Make a new optimizer instead.

    Args:
        model: the built model that the optimizer trains.
        learning_rate: float or schedule, the learning rate.
        weight_decay: float, decay of the kernels, which each step multiplies by the learning rate.
            Default: 0.05.
        **kwargs: further arguments of `keras.optimizers.AdamW`, such as `use_ema`, and the `rates`
            of `LayerwiseAdamW`.

    Returns:
        The optimizer.
    """
    make = LayerwiseAdamW if "rates" in kwargs else keras.optimizers.AdamW
    optimizer = make(learning_rate, weight_decay=weight_decay, **kwargs)
    spare_all_but_kernels(optimizer, model)
    return optimizer


def muon(
    model: keras.Model,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float,
    **kwargs,
) -> SplitMuon:
    """Make `SplitMuon` for the matrices of a model's blocks, with AdamW for the other weights.

    Args:
        model: the built model that the optimizer trains.
        learning_rate: float or schedule, the learning rate of both parts.
        weight_decay: float, decay of the kernels, which each step multiplies by the learning rate.
        **kwargs: further arguments of `keras.optimizers.Muon`.

    Returns:
        The optimizer.
    """
    optimizer = SplitMuon(
        learning_rate,
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        # Muon's authors train the first and the last layer by AdamW. The last layer of a masked
        # autoencoder's decoder is `prediction`.
        exclude_layers=["head", "patch", "prediction"],
        products="bfloat16" if model.compute_dtype == "bfloat16" else "float32",
        **kwargs,
    )
    spare_all_but_kernels(optimizer, model)
    return optimizer


def spare_all_but_kernels(optimizer: keras.optimizers.Optimizer, model: keras.Model) -> None:
    """Exclude all variables of a model but kernels from the optimizer's weight decay."""
    spared = [v for v in model.trainable_variables if not is_kernel(v)]
    optimizer.exclude_from_weight_decay(var_list=spared)


def is_kernel(variable: keras.Variable) -> bool:
    """Return whether a variable is the kernel of a Dense layer or a convolution."""
    return variable.name.endswith("kernel") and len(variable.shape) > 1
