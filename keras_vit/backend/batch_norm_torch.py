"""Batch normalisation by PyTorch's own kernel."""

import torch


def batch_norm(layer, x, by_batch: bool):
    """Normalise the last axis as `keras.layers.BatchNormalization` does.

    The kernel takes `x` in half precision beside statistics in float32.

    Args:
        layer: the `BatchNormalization`, whose moving statistics a batch changes.
        x: float tensor `(..., C)`.
        by_batch: bool, whether to use the mean and the variance of this batch, and to let the
            moving statistics follow them.

    Returns:
        Tensor of the shape and type of `x`.
    """
    images = x.movedim(-1, 1)
    mean, variance = layer.moving_mean.value, layer.moving_variance.value
    scale = layer.gamma.value if layer.scale else torch.ones_like(mean)
    offset = layer.beta.value if layer.center else torch.zeros_like(mean)
    if not by_batch:
        y = torch.nn.functional.batch_norm(
            images, mean, variance, scale, offset, False, 0.0, layer.epsilon
        )
        return y.movedim(1, -1)
    # PyTorch would keep the unbiased variance, so the kernel gets statistics of its own.
    momentum = 1 - layer.momentum
    y, batch_mean, inverse = torch.native_batch_norm(
        images, scale, offset, None, None, True, 0.0, layer.epsilon
    )
    with torch.no_grad():
        batch_variance = inverse**-2 - layer.epsilon
        layer.moving_mean.assign(torch.lerp(mean, batch_mean.to(mean.dtype), momentum))
        layer.moving_variance.assign(
            torch.lerp(variance, batch_variance.to(variance.dtype), momentum)
        )
    return y.movedim(1, -1)
