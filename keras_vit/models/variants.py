"""The published sizes: one table from a letter to its numbers."""

import re

# ViT paper (arXiv 2010.11929), table 1; Ti and S as in DeiT (arXiv 2012.12877), table 1.
VARIANTS = {
    "Ti": {"hidden_dim": 192, "depth": 12, "num_heads": 3, "mlp_dim": 768},
    "S": {"hidden_dim": 384, "depth": 12, "num_heads": 6, "mlp_dim": 1536},
    "B": {"hidden_dim": 768, "depth": 12, "num_heads": 12, "mlp_dim": 3072},
    "L": {"hidden_dim": 1024, "depth": 24, "num_heads": 16, "mlp_dim": 4096},
    "H": {"hidden_dim": 1280, "depth": 32, "num_heads": 16, "mlp_dim": 5120},
}

# google-research/vision_transformer, configs/models.py: a patch counts cells of the ResNet's map.
HYBRIDS = {
    # Its 16 takes the stem to halve the image; it quarters it, so that a token has 32x32 pixels.
    "R+Ti/16": {"stages": (), "patch_size": 8},
    "R26+S/32": {"stages": (2, 2, 2, 2), "patch_size": 1},
    "R26+B/32": {"stages": (2, 2, 2, 2), "patch_size": 1},
    "R50+B/16": {"stages": (3, 4, 9), "patch_size": 1},
    "R50+L/32": {"stages": (3, 4, 6, 3), "patch_size": 1},
}


def variant_arguments(variant):
    """`ViT` arguments of a variant such as "B/16": a letter and a patch size."""
    match = re.fullmatch(rf"({'|'.join(VARIANTS)})/([1-9]\d*)", variant)
    if not match:
        raise ValueError(
            f"A variant is one of {', '.join(VARIANTS)}, a slash and a patch size, "
            f"such as 'B/16'. Received: {variant!r}"
        )
    return {**VARIANTS[match[1]], "patch_size": int(match[2])}


def hybrid_arguments(variant):
    """`HybridViT` arguments of a variant such as "R50+B/16": a ResNet and a ViT."""
    if variant not in HYBRIDS:
        raise ValueError(f"A hybrid variant is one of {', '.join(HYBRIDS)}. Received: {variant!r}")
    letter = variant.partition("+")[2].partition("/")[0]
    return {**VARIANTS[letter], **HYBRIDS[variant]}
