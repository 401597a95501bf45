"""Reading of the tensors of a PyTorch file without running code from the file."""

from pathlib import Path

import numpy as np
import torch

WRAPPERS = ("model", "state_dict", "teacher")


def state_dict(path: Path) -> dict[str, np.ndarray]:
    """Read the tensors that `torch.save` wrote.

    Args:
        path: Path, the file. Of a training checkpoint, the function reads the entry "model",
            "state_dict" or "teacher".

    Returns:
        A dict from the names of the tensors to float32 arrays.

    Raises:
        ValueError: If the file is damaged, holds code, or holds no state dict.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    # Damaged files and forbidden classes raise many types of errors.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"{path}: PyTorch can't read this file as weights, and ran no code from it: {reason}"
        ) from error
    for key in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(map(torch.is_tensor, content.values())):
        values = content.values() if isinstance(content, dict) else ()
        types = ", ".join(sorted({type(value).__name__ for value in values}))
        raise ValueError(
            f"{path}: the PyTorch file must hold a state dict, which is a dict of tensors. "
            f"Received: {type(content).__name__}{f' of {types}' if types else ''}"
        )
    return {
        name.removeprefix("module."): tensor.detach().float().numpy()
        for name, tensor in content.items()
    }
