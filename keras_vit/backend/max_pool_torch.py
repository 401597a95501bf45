import torch


def max_pool(x):
    """`max_pool.max_pool` by PyTorch's kernel.

    Padded by the kernel: Keras pads by a copy of the border, which changes the layout in memory,
    and all that follows is ten times slower on a CPU.
    """
    images = x.movedim(-1, 1)
    odd = tuple(size % 2 for size in images.shape[2:])
    # "same" puts a row in front of an odd side; the last window of an even one reaches beyond.
    pooled = torch.nn.functional.max_pool2d(images, 3, 2, padding=odd, ceil_mode=True)
    return pooled.movedim(1, -1)
