"""The hardware that JAX reports."""

import jax


def compute_capability() -> tuple[int, int] | None:
    """Return `(major, minor)` of the first GPU, or None for a GPU that is not NVIDIA's."""
    # The attribute of an AMD GPU is a name such as "gfx942".
    parts = getattr(jax.devices()[0], "compute_capability", "").split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None
