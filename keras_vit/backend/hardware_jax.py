"""What JAX says of the first GPU."""

import jax


def compute_capability():
    """`(major, minor)` of the first GPU, None of one that is not NVIDIA's."""
    # AMD's say "gfx942" here.
    parts = getattr(jax.devices()[0], "compute_capability", "").split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None
