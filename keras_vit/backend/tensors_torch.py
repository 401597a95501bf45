"""The state dict of a PyTorch file, without running any code that is in it."""

import torch

WRAPPERS = ("model", "state_dict", "teacher")


def state_dict(path):
    """A dict of float arrays by name, out of what `torch.save` wrote.

    Args:
        path: of the file; a training checkpoint's "model", "state_dict" or "teacher" is taken.

    Raises:
        ValueError: naming a file that is damaged, holds code, or no tensors.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # Damaged files and forbidden classes raise errors of many kinds.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{path}: can't be read as PyTorch weights, and nothing in it was run: {reason}"
        ) from error
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(map(torch.is_tensor, content.values())):
        raise ValueError(f"{path}: a PyTorch file, but not a state dict of tensors")
    return {
        name.removeprefix("module."): tensor.detach().float().numpy()
        for name, tensor in content.items()
    }
