"""Max-pooling by PyTorch's own kernel."""

import torch


def max_pool(x):
    """Compute `max_pool.max_pool` by PyTorch's kernel.

    The kernel itself pads the images. Keras pads them with a copy of the border instead, which
    changes their layout in memory, and all operations after it are ten times slower on a CPU.

    Args:
        x: float tensor `(B, H, W, C)`.

    Returns:
        Tensor `(B, ⌈H / 2⌉, ⌈W / 2⌉, C)`.
    """
    images = x.movedim(-1, 1)
    odd = tuple(size % 2 for size in images.shape[2:])
    # The padding "same" puts one row in front of an odd side. On an even side the last window
    # reaches beyond the image, which `ceil_mode` allows.
    pooled = torch.nn.functional.max_pool2d(images, 3, 2, padding=odd, ceil_mode=True)
    return pooled.movedim(1, -1)


def max_pool_pairs(x):
    """Compute `max_pool.max_pool_pairs` by PyTorch's kernel."""
    return torch.nn.functional.max_pool2d(x.movedim(-1, 1), 2).movedim(1, -1)
