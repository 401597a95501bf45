"""Distribution of one training over several devices and hosts."""

import contextlib
import functools
import os
from collections.abc import Iterator

import keras
from keras import ops

from keras_vit.backend.keras_private import remove_layout
from keras_vit.train.devices import ONE_DEVICE, Devices

KINDS = ("data", "model")
# Keras's environment variables for several hosts begin with this word. They are described in
# `keras.distribution.initialize`.
HOSTS = "KERAS_DISTRIBUTION_"
# These weights are split along the axis "model", as in Megatron-LM (arXiv 1909.08053, section 3):
# the columns that compute heads and hidden units, and the rows that read them. All other weights
# are copied to every device.
LAYOUT = {
    ".*attention/qkv/kernel": (None, "model"),
    ".*attention/qkv/bias": ("model",),
    ".*attention/projection/kernel": ("model", None),
    ".*mlp/dense_1/kernel": (None, "model"),
    ".*mlp/dense_1/bias": ("model",),
    ".*mlp/dense_2/kernel": ("model", None),
}


@contextlib.contextmanager
def distributed(kind: str | None, batch_size: int | None = None) -> Iterator[Devices]:
    """Distribute the models that are built and trained in the `with` block over all devices.

    On JAX this uses `keras.distribution`, on all hosts that Keras's environment variables
    `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `_NUM_PROCESSES` and `_PROCESS_ID` name. The `with` block
    must begin before any other code uses a device. On TensorFlow this uses `MirroredStrategy` on
    one host; there every device draws the same random numbers for its part of a batch. On a single
    device, training is the same as outside of the block.

    ```python
    with distributed("data", batch_size=1024) as devices:
        trainer = AugmentedModel(ViT(), augment=[RandomCrop(4)])
        trainer.compile("adamw")
        batches = ShuffledBatches(x, y, 1024, devices=devices)
        trainer.fit(batches, shuffle=False, callbacks=[EpochSeeds(0, batches)])
    ```

    Args:
        kind: "data" (each batch is split over all devices, and every device has a copy of the
            model), "model" (each batch is split over the hosts, and attention and MLP are split
            over the devices of a host) or None (nothing is distributed).
        batch_size: int or None, number of images in a batch over all devices. None: the batch size
            is not checked. Default: None.

    Yields:
        The `Devices`.

    Raises:
        ValueError: if the devices do not divide the batch, if `kind` is unknown, if the backend
            does not support it, or, when the model is built, if a weight can't be split.
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"`kind` must be None or one of {KINDS}. Received: kind={kind!r}")
    join_hosts()
    if kind is None:
        if names_hosts():
            raise ValueError(
                f"The environment variables {HOSTS}... name several processes, and with "
                "`kind=None` each of them would train a model of its own: `kind` must be one of "
                f"{KINDS}. "
                "Received: kind=None"
            )
        strategy, devices = None, ONE_DEVICE
    elif keras.backend.backend() == "tensorflow":
        strategy, devices = on_tensorflow(kind)
    elif keras.backend.backend() == "jax":
        strategy, devices = on_jax(kind)
    else:
        raise ValueError(
            f"Keras {keras.__version__} distributes training on JAX and TensorFlow, not on "
            f"{keras.backend.backend()}; set KERAS_BACKEND to jax or tensorflow. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}, kind={kind!r}"
        )
    if batch_size is not None:
        devices.check_batch_size(batch_size)
    with strategy.scope() if strategy else contextlib.nullcontext():
        yield devices


def join_hosts() -> int:
    """Join the processes that Keras's environment variables name, before a device is used.

    Returns:
        The number of this process, from 0.

    Raises:
        ValueError: if the variables name several processes and the backend is not JAX.
    """
    if not names_hosts():
        return 0
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"The environment variables {HOSTS}... name several processes, and in Keras "
            f"{keras.__version__} several processes must use JAX: `fit` fails in TensorFlow's "
            "MultiWorkerMirroredStrategy. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    initialize()
    return int(os.environ.get(f"{HOSTS}PROCESS_ID", 0))


@functools.cache
def initialize() -> None:
    """Initialise `keras.distribution` once in this process, because JAX refuses a second time."""
    keras.distribution.initialize()


def names_hosts() -> bool:
    """Return whether environment variables of Keras name the processes of a training."""
    return any(name.startswith(HOSTS) for name in os.environ)


def bring_home(trainer: keras.Model) -> None:
    """Move a trained model onto this process's first device, to test and to save it there.

    Call this function at the end of a training, outside `distributed`. Afterwards no batch is
    divided any more, and no other process takes part.

    Args:
        trainer: the compiled model. Its optimizer is not moved.
    """
    if keras.backend.backend() != "jax":
        return  # TensorFlow reads a mirrored variable like any other variable.
    for variable in (*trainer.variables, *trainer.metrics_variables):
        value = ops.convert_to_numpy(variable)
        remove_layout(variable)
        variable.assign(value)
    trainer.make_test_function(force=True)  # The old one uses all devices.


def check_can_distribute(
    kind: str | None, linear_probe: bool = False, time_limit: float | None = None
) -> None:
    """Raise a ValueError for a run that several devices or hosts can't share.

    Args:
        kind: "data", "model" or None, as in `distributed`.
        linear_probe: bool, whether the run fits a linear probe. Default: False.
        time_limit: float or None, minutes within which the run ends. None: no limit. Default: None.
    """
    if kind and linear_probe:
        raise ValueError(
            "a linear probe is fitted on one device: leave out either the linear probe or the "
            f"distribution. Received: kind={kind!r}, linear_probe=True"
        )
    if names_hosts() and kind == "model":
        raise ValueError(
            "a run can split its model over the devices of one host only, because several hosts "
            f"can't save it. Received: kind='model' and environment variables {HOSTS}..."
        )
    measures_wrongly = names_hosts() or keras.backend.backend() == "tensorflow"
    if kind and time_limit and measures_wrongly:
        # Each host would measure its own speed. On TensorFlow, the measurement would run the whole
        # batch on one device.
        raise ValueError(
            "a time limit can be combined with a distribution on one host with JAX only. "
            f"Received: kind={kind!r}, time_limit={time_limit:g} minutes, "
            f"KERAS_BACKEND={keras.backend.backend()}"
        )


def check_can_clip(clip_norm: float | None, devices: Devices) -> None:
    """Raise a ValueError if the norm of the whole gradient can't be limited on these devices.

    Args:
        clip_norm: float or None, the limit of the norm.
        devices: the `Devices` that train.
    """
    if clip_norm and devices.replicas > 1 and keras.backend.backend() == "tensorflow":
        # On TensorFlow, Keras clips the gradient of each device before it adds the gradients up.
        raise ValueError(
            "`clip_norm` on several devices needs the JAX backend, which clips the sum of their "
            f"gradients. Received: clip_norm={clip_norm:g}, {devices.replicas} devices, "
            "KERAS_BACKEND=tensorflow"
        )


def on_jax(kind):
    """Return JAX's strategy, None on a single device, and the `Devices`."""
    everything = keras.distribution.DataParallel(auto_shard_dataset=False)
    count, processes = everything.device_mesh.devices.size, everything.num_processes
    if count == 1:
        return None, ONE_DEVICE
    if kind == "data":
        strategy = everything
    else:
        mesh = keras.distribution.DeviceMesh((processes, count // processes), ("batch", "model"))
        layout = keras.distribution.LayoutMap(mesh)
        layout.update(LAYOUT)
        strategy = ModelParallel(layout_map=layout, auto_shard_dataset=False)
    return strategy, Devices(strategy.num_model_replicas, processes, strategy.data_shard_id)


class ModelParallel(keras.distribution.ModelParallel):
    """Keras's ModelParallel with an error that names the weight that can't be split.

    The error of JAX names only a sharding.
    """

    def get_variable_layout(self, variable):
        layout = super().get_variable_layout(variable)
        devices = self.device_mesh.shape[1]
        for size, axis in zip(variable.shape, layout.axes, strict=True):
            if axis == "model" and size % devices:
                raise ValueError(
                    f"{variable.path} of shape {tuple(variable.shape)} can't be split over "
                    f"{devices} devices: `hidden_dim` and `mlp_dim` must be multiples of "
                    f"{devices}. Received: an axis of size {size}"
                )
        return layout


def on_tensorflow(kind):
    """Return TensorFlow's strategy, None on a single device, and the `Devices`."""
    if kind == "model":
        raise ValueError(
            "`kind='model'` needs the JAX backend, because TensorFlow's strategies copy the whole "
            "model to every device. Received: kind='model', KERAS_BACKEND=tensorflow"
        )
    if "TF_CONFIG" in os.environ:
        raise ValueError(
            "Several hosts need the JAX backend: `fit` fails in TensorFlow's "
            f"MultiWorkerMirroredStrategy with Keras {keras.__version__}. "
            f"Received: TF_CONFIG={os.environ['TF_CONFIG']!r:.80}"
        )
    from keras_vit.backend.distribution_tensorflow import mirrored_strategy

    strategy = mirrored_strategy()
    replicas = strategy.num_replicas_in_sync
    return (strategy, Devices(replicas)) if replicas > 1 else (None, ONE_DEVICE)
