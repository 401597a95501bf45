"""One training on several devices, and on several hosts."""

import contextlib
import functools
import os

import keras
from keras import ops

from keras_vit.backend.keras_private import remove_layout
from keras_vit.train.devices import ONE_DEVICE, Devices

KINDS = ("data", "model")
HOSTS = "KERAS_DISTRIBUTION_"  # begins Keras's own words, see `keras.distribution.initialize`
# What is split along "model": the columns that make heads and hidden units, and the rows that
# take them in, as in Megatron-LM (arXiv 1909.08053, section 3). All else is on every device.
LAYOUT = {
    ".*attention/qkv/kernel": (None, "model"),
    ".*attention/qkv/bias": ("model",),
    ".*attention/projection/kernel": ("model", None),
    ".*mlp/dense_1/kernel": (None, "model"),
    ".*mlp/dense_1/bias": ("model",),
    ".*mlp/dense_2/kernel": ("model", None),
}


@contextlib.contextmanager
def distributed(kind: str | None, batch_size: int | None = None):
    """Builds and trains on all devices what is built and trained inside.

    On JAX by `keras.distribution`, on as many hosts as Keras's environment variables
    `KERAS_DISTRIBUTION_JOB_ADDRESSES`, `_NUM_PROCESSES` and `_PROCESS_ID` name; it must be entered
    before anything else touches a device. On TensorFlow by `MirroredStrategy`, on one host, where
    every device draws the same for its part of a batch. One device alone trains as it would
    without.

    ```python
    with distributed("data", batch_size=1024) as devices:
        trainer = AugmentedModel(ViT(), augment=[RandomCrop(4)])
        trainer.compile("adamw")
        batches = ShuffledBatches(x, y, 1024, devices=devices)
        trainer.fit(batches, shuffle=False, callbacks=[EpochSeeds(0, batches)])
    ```

    Args:
        kind: "data" splits each batch and copies the model; "model" splits batches over hosts, and
            attention and MLP over a host's devices; None changes nothing.
        batch_size: images a batch, over all devices; None leaves it unchecked.

    Yields:
        The `Devices`.

    Raises:
        ValueError: for a batch that the devices do not divide, another kind, a backend that can't,
            or, while the model is built, weights that can't be split.
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"`kind` must be one of {KINDS}. Received: {kind!r}")
    join_hosts()
    if kind is None:
        if names_hosts():
            raise ValueError(f"{HOSTS}... names several processes, which train apart without kind")
        strategy, devices = None, ONE_DEVICE
    elif keras.backend.backend() == "tensorflow":
        strategy, devices = on_tensorflow(kind)
    elif keras.backend.backend() == "jax":
        strategy, devices = on_jax(kind)
    else:
        raise ValueError(
            f"Keras {keras.__version__} distributes training on JAX and TensorFlow, not on "
            f"{keras.backend.backend()}: choose another with KERAS_BACKEND"
        )
    if batch_size is not None:
        devices.check_batch_size(batch_size)
    with strategy.scope() if strategy else contextlib.nullcontext():
        yield devices


def join_hosts():
    """Joins the processes that Keras's environment variables name, before a device is touched.

    Returns:
        This process's number, from 0.
    """
    if not names_hosts():
        return 0
    if keras.backend.backend() != "jax":
        raise ValueError(
            f"{HOSTS}... names several processes: in Keras {keras.__version__} they train on JAX "
            "alone, since `fit` fails in TensorFlow's MultiWorkerMirroredStrategy. "
            f"Received: KERAS_BACKEND={keras.backend.backend()}"
        )
    initialize()
    return int(os.environ.get(f"{HOSTS}PROCESS_ID", 0))


@functools.cache
def initialize():
    """JAX does it but once in a process, which may run several trainings."""
    keras.distribution.initialize()


def names_hosts():
    return any(name.startswith(HOSTS) for name in os.environ)


def bring_home(trainer):
    """Puts what was trained onto this process's first device, to be tested and saved there.

    For the end of a training, outside `distributed`: no batch has to be divided any more, and no
    other process has to take part.

    Args:
        trainer: the compiled model; its optimizer is left where it is.
    """
    if keras.backend.backend() != "jax":
        return  # TensorFlow reads a mirrored variable as any other
    for variable in (*trainer.variables, *trainer.metrics_variables):
        value = ops.convert_to_numpy(variable)
        remove_layout(variable)
        variable.assign(value)
    trainer.make_test_function(force=True)  # the one of `fit` is for all devices


def check_can_distribute(kind, linear_probe=False, time_limit=None):
    """Raise a ValueError for a run that several devices or hosts can't share.

    Args:
        kind: "data", "model" or None, as in `distributed`.
        linear_probe: bool, whether the run fits a linear probe. Default: False.
        time_limit: float, minutes within which the run ends. Default: None, no limit.
    """
    if kind and linear_probe:
        raise ValueError("a linear probe has no training to distribute")
    if names_hosts() and kind == "model":
        raise ValueError("a run splits its model over one host: several can't save it")
    apart = names_hosts() or keras.backend.backend() == "tensorflow"
    if kind and time_limit and apart:
        # Each host would measure a pace of its own; TensorFlow's would be that of whole batches.
        raise ValueError("a time limit can be distributed on one host alone, with JAX")


def check_can_clip(clip_norm, devices):
    """Raise a ValueError where the norm of the whole gradient can't be limited on these devices."""
    if clip_norm and devices.replicas > 1 and keras.backend.backend() == "tensorflow":
        # Keras clips each device's part there, before they are added up.
        raise ValueError(
            f"clip_norm={clip_norm:g} on several devices needs the JAX backend, which "
            "clips their gradients together"
        )


def on_jax(kind):
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
    """Keras's own, which says which weight can't be split; JAX alone names a sharding."""

    def get_variable_layout(self, variable):
        layout = super().get_variable_layout(variable)
        devices = self.device_mesh.shape[1]
        for size, axis in zip(variable.shape, layout.axes, strict=True):
            if axis == "model" and size % devices:
                raise ValueError(
                    f"{variable.path} of shape {tuple(variable.shape)} can't be split over "
                    f"{devices} devices: hidden_dim and mlp_dim must be multiples of {devices}"
                )
        return layout


def on_tensorflow(kind):
    if kind == "model":
        raise ValueError("`model` needs the JAX backend: TensorFlow's strategies copy the model")
    if "TF_CONFIG" in os.environ:
        raise ValueError(
            "TF_CONFIG names several hosts: `fit` fails in MultiWorkerMirroredStrategy with Keras "
            f"{keras.__version__}; several hosts need the JAX backend"
        )
    from keras_vit.backend.distribution_tensorflow import mirrored_strategy

    strategy = mirrored_strategy()
    replicas = strategy.num_replicas_in_sync
    return (strategy, Devices(replicas)) if replicas > 1 else (None, ONE_DEVICE)
