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
    """An optimizer by the name that a preset gives it.

    Args:
        name: "adamw", which decays kernels alone; "adamw_all", which decays every weight, as
            PyTorch's AdamW does; "adam_l2", PyTorch's Adam with weight decay; "adam"; "sgd";
            "muon" for the blocks' matrices, with "adamw" for the rest.
        model: the built model that is to be trained.
        learning_rate: a number or a schedule.
        weight_decay: 0 for "adam" and "sgd", which have none.
        layer_decay: factor of the learning rate from each layer to the one before it, see
            `layerwise_rates`; for "adamw" and "sgd".
        beta_1: decay of the mean gradient; the momentum of "sgd".
        **kwargs: Keras's others, such as `global_clipnorm` and `use_ema`.

    Raises:
        ValueError: for another name, or a decay that would be left out.
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


def check_optimizer(name, weight_decay, layer_decay=1.0):
    """A ValueError for an unknown name, or a decay that would be left out."""
    if name not in OPTIMIZERS or (name in ("adam", "sgd") and weight_decay):
        raise ValueError(
            f"`optimizer` must be one of {OPTIMIZERS}, and adam and sgd have no decay. "
            f"Received: {name!r} with weight_decay={weight_decay}"
        )
    if not 0 < layer_decay <= 1 or (layer_decay != 1 and name not in LAYERWISE):
        raise ValueError(
            f"`layer_decay` must be above 0 and at most 1, and is for {LAYERWISE}. "
            f"Received: {layer_decay} with {name!r}"
        )


def adamw(
    model: keras.Model,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule,
    weight_decay: float = 0.05,
    **kwargs,
) -> keras.optimizers.AdamW:
    """AdamW whose decay touches kernels alone (arXiv 1711.05101).

    Norms, biases, class and register tokens, positions and scales are spared. They are told by
    the variable itself: Keras's `exclude_from_weight_decay(var_names=...)` looks at `name`, not
    `path`, and a pattern would have to know every layer.

    Args:
        model: the built model that is to be trained.
        learning_rate: a number or a schedule.
        weight_decay: of the kernels, multiplied by the learning rate at each step.
        **kwargs: Keras's others, such as `use_ema`, and the `rates` of a `LayerwiseAdamW`.

    Keras does not write the spared variables into a saved file: an optimizer that was loaded
    decays everything, so make a new one.
    """
    make = LayerwiseAdamW if "rates" in kwargs else keras.optimizers.AdamW
    optimizer = make(learning_rate, weight_decay=weight_decay, **kwargs)
    spare_all_but_kernels(optimizer, model)
    return optimizer


def muon(model, learning_rate, weight_decay, **kwargs):
    """`SplitMuon` for the matrices of a model's blocks, and AdamW as `adamw` has it for the rest.

    Args:
        model: the built model that is to be trained.
        learning_rate: a number or a schedule, for both.
        weight_decay: of the kernels, multiplied by the learning rate at each step.
        **kwargs: Keras's others.
    """
    optimizer = SplitMuon(
        learning_rate,
        weight_decay=weight_decay,
        adam_weight_decay=weight_decay,
        # Its authors leave the first and the last layer to AdamW; a decoder's is `prediction`.
        exclude_layers=["head", "patch", "prediction"],
        products="bfloat16" if model.compute_dtype == "bfloat16" else "float32",
        **kwargs,
    )
    spare_all_but_kernels(optimizer, model)
    return optimizer


def spare_all_but_kernels(optimizer, model):
    spared = [v for v in model.trainable_variables if not is_kernel(v)]
    optimizer.exclude_from_weight_decay(var_list=spared)


def is_kernel(variable):
    """Whether the variable multiplies features: a Dense or convolution kernel."""
    return variable.name.endswith("kernel") and len(variable.shape) > 1
