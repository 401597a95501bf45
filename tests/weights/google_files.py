"""Google's `.npz` files as their code writes them, and a forward pass in numpy alone.

Written from the Flax modules of google-research/vision_transformer (vit_jax/models_vit.py) and
google-research/big_vision (models/vit.py), whose parameters these are.
"""

import numpy as np
from scipy.special import softmax


def vit_weights(
    depth=2,
    dim=32,
    heads=4,
    mlp=48,
    patch=(8, 8),
    grid=(4, 4),
    channels=3,
    classes=7,
    pre_logits=0,
    deviation=0.1,
):
    """Random parameters of vision_transformer's ViT by their names in its checkpoints."""
    rng = np.random.default_rng(0)

    def values(*shape):
        return rng.normal(0, deviation, shape).astype("float32")

    def dense(name, *shape):
        return {f"{name}/kernel": values(*shape), f"{name}/bias": values(shape[-1])}

    def norm(name):
        return {f"{name}/scale": 1 + values(dim), f"{name}/bias": values(dim)}

    weights = {"cls": values(1, 1, dim), **dense("embedding", *patch, channels, dim)}
    weights["Transformer/posembed_input/pos_embedding"] = values(1, 1 + grid[0] * grid[1], dim)
    for i in range(depth):
        block = f"Transformer/encoderblock_{i}"
        attention = f"{block}/MultiHeadDotProductAttention_1"
        weights |= norm(f"{block}/LayerNorm_0") | norm(f"{block}/LayerNorm_2")
        for name in ("query", "key", "value"):
            weights[f"{attention}/{name}/kernel"] = values(dim, heads, dim // heads)
            weights[f"{attention}/{name}/bias"] = values(heads, dim // heads)
        weights[f"{attention}/out/kernel"] = values(heads, dim // heads, dim)
        weights[f"{attention}/out/bias"] = values(dim)
        weights |= dense(f"{block}/MlpBlock_3/Dense_0", dim, mlp)
        weights |= dense(f"{block}/MlpBlock_3/Dense_1", mlp, dim)
    weights |= norm("Transformer/encoder_norm")
    if pre_logits:
        weights |= dense("pre_logits", dim, pre_logits)
    return weights | dense("head", pre_logits or dim, classes)


def as_big_vision(weights, prefix="params/", stacked=False, token=True):
    """The same parameters as big_vision names them; positions are the patches' alone there."""
    renamed = {}
    for name, value in weights.items():
        for old, new in (
            ("Transformer/posembed_input/pos_embedding", "pos_embedding"),
            ("LayerNorm_2", "LayerNorm_1"),
            ("MultiHeadDotProductAttention_1", "MultiHeadDotProductAttention_0"),
            ("MlpBlock_3", "MlpBlock_0"),
        ):
            name = name.replace(old, new)
        renamed[name] = value
    renamed["pos_embedding"] = renamed["pos_embedding"][:, 1:]
    if not token:
        del renamed["cls"]
    if stacked:
        first = "Transformer/encoderblock_0/"
        depth = len({name.split("/")[1] for name in renamed if "encoderblock_" in name})
        for name in [name for name in renamed if name.startswith(first)]:
            parts = [renamed.pop(name.replace("_0/", f"_{i}/", 1)) for i in range(depth)]
            renamed[name.replace("encoderblock_0/", "encoderblock/", 1)] = np.stack(parts)
    return {prefix + name: value for name, value in renamed.items()}


def as_bfloat16(weights):
    """What numpy writes of bfloat16 arrays: two bytes without a type. Cuts off, not rounds."""
    return {
        name: (value.view("uint32") >> 16).astype("uint16").view("V2")
        for name, value in weights.items()
    }


def forward(weights, images, big_vision=False):
    """Logits of images 0-255 in float64, step by step as the Flax modules have them."""
    weights = {name: value.astype("float64") for name, value in weights.items()}
    x = (images.astype("float64") - 127.5) / 127.5
    kernel = weights["embedding/kernel"]
    height, width, _, dim = kernel.shape
    rows, columns = x.shape[1] // height, x.shape[2] // width
    x = x[:, : rows * height, : columns * width]
    x = x.reshape(len(x), rows, height, columns, width, -1)
    x = np.einsum("brhcwi,hwid->brcd", x, kernel).reshape(len(x), -1, dim)
    x = x + weights["embedding/bias"]
    positions = weights["Transformer/posembed_input/pos_embedding"]
    token = np.repeat(weights["cls"], len(x), axis=0)
    if big_vision:
        x = np.concatenate([token, x + positions[:, 1:]], axis=1)
    else:
        x = np.concatenate([token, x], axis=1) + positions
    for i in range(sum(name.endswith("LayerNorm_0/scale") for name in weights)):
        block = f"Transformer/encoderblock_{i}"
        y = normalised(x, weights, f"{block}/LayerNorm_0")
        x = x + attended(y, weights, f"{block}/MultiHeadDotProductAttention_1")
        y = normalised(x, weights, f"{block}/LayerNorm_2")
        y = gelu(dense(y, weights, f"{block}/MlpBlock_3/Dense_0"))
        x = x + dense(y, weights, f"{block}/MlpBlock_3/Dense_1")
    x = normalised(x, weights, "Transformer/encoder_norm")[:, 0]
    if "pre_logits/bias" in weights:
        x = np.tanh(dense(x, weights, "pre_logits"))
    return dense(x, weights, "head")


def dense(x, weights, name):
    return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def normalised(x, weights, name):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    x = (x - mean) / np.sqrt(variance + 1e-6)
    return x * weights[f"{name}/scale"] + weights[f"{name}/bias"]


def attended(x, weights, name):
    query, key, value = (
        np.einsum("btd,dhk->bhtk", x, weights[f"{name}/{part}/kernel"])
        + weights[f"{name}/{part}/bias"][:, np.newaxis]
        for part in ("query", "key", "value")
    )
    shares = softmax(query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1]), axis=-1)
    out = np.einsum("bhtk,hkd->btd", shares @ value, weights[f"{name}/out/kernel"])
    return out + weights[f"{name}/out/bias"]


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
