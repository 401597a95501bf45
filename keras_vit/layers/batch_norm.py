"""Batch normalisation that is fast on PyTorch."""

import keras


@keras.saving.register_keras_serializable(package="keras_vit")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's BatchNormalization over the last axis, by PyTorch's own kernel on PyTorch.

    Keras computes the mean, the variance and the normalised values by one operation after the
    other. On a CPU in bfloat16 this takes several times as long as PyTorch's kernel. Values are
    those of Keras's layer, up to rounding: both keep the biased variance for `evaluate`.

    The constructor takes the arguments of `keras.layers.BatchNormalization`. Source: arXiv
    1502.03167.

    Call arguments:
        inputs: float tensor `(..., C)`.
        training: bool or None, whether to normalise by the batch's own mean and variance. Default:
            None.

    Input shape: `(..., C)`.

    Output shape: `(..., C)`.
    """

    def call(self, inputs, training: bool | None = None, mask=None):
        by_keras = (
            keras.backend.backend() != "torch"
            or mask is not None
            or self.synchronized
            or self.axis not in (-1, len(inputs.shape) - 1)
        )
        if by_keras:
            return super().call(inputs, training=training, mask=mask)
        from keras_vit.backend import batch_norm_torch  # imports PyTorch

        return batch_norm_torch.batch_norm(self, inputs, bool(training) and self.trainable)
