"""The published sizes of ViTs and hybrids, by name."""

import re

# B, L and H are from table 1 of the ViT paper (arXiv 2010.11929), Ti and S from table 1 of DeiT
# (arXiv 2012.12877).
VARIANTS = {
    "Ti": {"hidden_dim": 192, "depth": 12, "num_heads": 3, "mlp_dim": 768},
    "S": {"hidden_dim": 384, "depth": 12, "num_heads": 6, "mlp_dim": 1536},
    "B": {"hidden_dim": 768, "depth": 12, "num_heads": 12, "mlp_dim": 3072},
    "L": {"hidden_dim": 1024, "depth": 24, "num_heads": 16, "mlp_dim": 4096},
    "H": {"hidden_dim": 1280, "depth": 32, "num_heads": 16, "mlp_dim": 5120},
}

# The hybrids are from configs/models.py of google-research/vision_transformer. Their patch size is
# in cells of the ResNet's feature map.
HYBRIDS = {
    # The name says /16 because the stem was meant to halve the image. In fact the stem quarters the
    # image, so that a token covers 32x32 pixels.
    "R+Ti/16": {"stages": (), "patch_size": 8},
    "R26+S/32": {"stages": (2, 2, 2, 2), "patch_size": 1},
    "R26+B/32": {"stages": (2, 2, 2, 2), "patch_size": 1},
    "R50+B/16": {"stages": (3, 4, 9), "patch_size": 1},
    "R50+L/32": {"stages": (3, 4, 6, 3), "patch_size": 1},
}


def variant_arguments(variant: str) -> dict:
    """Return the arguments of `ViT` for a variant.

    Args:
        variant: str, a letter and a patch size in pixels, such as "B/16".

    Returns:
        A dict of arguments.

    Raises:
        ValueError: if there is no such variant.
    """
    match = re.fullmatch(rf"({'|'.join(VARIANTS)})/([1-9]\d*)", variant)
    if not match:
        raise ValueError(
            f"`variant` must be one of {', '.join(VARIANTS)}, a slash and a patch size, "
            f"such as 'B/16'. Received: variant={variant!r}"
        )
    return {**VARIANTS[match[1]], "patch_size": int(match[2])}


def hybrid_arguments(variant: str) -> dict:
    """Return the arguments of `HybridViT` for a variant.

    Args:
        variant: str, a ResNet and a ViT, such as "R50+B/16".

    Returns:
        A dict of arguments.

    Raises:
        ValueError: if there is no such variant.
    """
    if variant not in HYBRIDS:
        raise ValueError(
            f"`variant` must be one of {', '.join(HYBRIDS)}. Received: variant={variant!r}"
        )
    letter = variant.partition("+")[2].partition("/")[0]
    return {**VARIANTS[letter], **HYBRIDS[variant]}
