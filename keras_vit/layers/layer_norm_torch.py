import torch


def layer_norm(x, gamma, beta, epsilon):
    """`layer_norm.layer_norm` by PyTorch's kernel, of `x`'s type.

    Statistics and sums are float32 within. On a CPU the kernel takes half precision beside float32
    weights, four times as fast as with a cast before and one after; on a GPU it does not.
    """
    wide = x if x.device.type == "cpu" else x.to(gamma.dtype)
    return torch.nn.functional.layer_norm(wide, gamma.shape, gamma, beta, epsilon).to(x.dtype)
