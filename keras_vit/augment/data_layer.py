"""The base of the image layers, which also run in `tf.data` on every backend."""

from keras.random import SeedGenerator

from keras_vit.backend.keras_private import TfDataLayer, is_in_jax_tracing_scope


class ImageLayer(TfDataLayer):
    """Base of layers that change images at random, each image by a draw of its own.

    A subclass implements `augment(images, seed)` and, where inference is not the identity,
    `pass_through(images)`; both take and return float32 batches (B, H, W, C). They compute
    with `self.backend`, never with `keras.ops`, which cannot run in `tf.data` under JAX.

    The layer computes in float32 under any global dtype policy, works inside a compiled
    model, on single images and in `tf.data` on every backend.

    Args:
        seed: Integer or `None`. Seeds the layer's own `SeedGenerator`; `None` takes a random
            seed, and the config says `None` again.
        **kwargs: Keras's `name` and the like.

    Call arguments:
        images: (B, H, W, C) or (H, W, C), uint8 or float, values 0–255. H, W and C are known
            when the layer is called; B may be unknown.
        training: Whether to augment. Defaults to `True`, as in Keras's own image layers.

    Raises:
        ValueError: Another rank, an unknown image size, or a `dtype` that is not float32.
    """

    def __init__(self, seed=None, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        if self.compute_dtype != "float32":
            raise ValueError(
                f"{type(self).__name__} computes in float32 under any policy. "
                f"Received: dtype={kwargs['dtype']}"
            )
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def call(self, images, training=True):
        images, single = self._as_batch(images)
        outputs = self.augment(images, self._seed()) if training else self.pass_through(images)
        return self.backend.numpy.squeeze(outputs, axis=0) if single else outputs

    def augment(self, images, seed):
        raise NotImplementedError

    def pass_through(self, images):
        return images

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}

    def _as_batch(self, images):
        images = self.backend.convert_to_tensor(images, dtype="float32")
        shape = tuple(images.shape)
        if len(shape) not in (3, 4) or None in shape[-3:]:
            raise ValueError(
                f"{type(self).__name__} takes images of shape (B, H, W, C) or (H, W, C) with "
                f"H, W and C known. Received: shape={shape}"
            )
        single = len(shape) == 3
        return (self.backend.numpy.expand_dims(images, axis=0) if single else images), single

    def _seed(self):
        return self.backend_seed()


def update_where(backend, chosen, function, value, *columns):
    """`function(value, *columns)` at the entries of a batch that are `chosen`, else `value`.

    PyTorch runs operation by operation, so there the chosen entries are taken out first. A
    compiler needs the whole batch: there `function` must leave the others as they are, and is
    skipped where none is chosen, which helps small batches. For large ones the condition keeps
    XLA from fusing one part into the next, where it would compute the first again for every
    pixel that the second looks at: several times slower.

    Args:
        backend: `self.backend` of the calling layer.
        chosen: (B,) booleans.
        function: takes tensors of any batch size, returns what replaces the first.
        value: (B, ...), a tensor that the caller made: on PyTorch it is written into and
            returned, as a copy of all takes as long as an operation on some.
        *columns: further arguments, (B, ...) each.
    """
    np = backend.numpy
    if backend.name == "torch":
        (places,) = np.nonzero(chosen)
        if not len(places):
            return value
        changed = function(*(np.take(column, places, axis=0) for column in (value, *columns)))
        value[places] = changed
        return value
    some = np.any(chosen)
    if backend.name == "jax" and not is_in_jax_tracing_scope(some):
        # Outside of `jit`, `jax.lax.cond` would compile both branches anew at every call.
        return function(value, *columns) if some else value
    return backend.cond(some, lambda: function(value, *columns), lambda: value)
