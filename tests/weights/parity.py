"""Ours beside a model of PyTorch's, on random images and on a photograph."""

import numpy as np
from sklearn.datasets import load_sample_image

from keras_vit import load_checkpoint
from tests.helpers import outputs_of


def images_of(shape):
    """Two images of noise and two pieces of photographs, `(4, H, W, C)`, 0-255."""
    height, width, channels = shape
    noise = np.random.default_rng(0).integers(0, 256, (2, *shape))
    photos = [
        np.tile(load_sample_image(name), (2, 1, 1))[40 : 40 + height, 80 : 80 + width]
        for name in ("china.jpg", "flower.jpg")
    ]
    return np.concatenate([noise, np.stack(photos)[..., :channels]]).astype("float32")


logits = outputs_of


def torch_output(model, images, mean=0.5, std=0.5):
    """What a PyTorch model gives for images 0-255."""
    import torch

    pixels = ((images / 255 - np.array(mean)) / np.array(std)).astype("float32")
    with torch.no_grad():
        return model(torch.from_numpy(pixels).permute(0, 3, 1, 2))


def save_safetensors(model, path):
    from safetensors.numpy import save_file

    save_file({k: np.ascontiguousarray(v.numpy()) for k, v in model.state_dict().items()}, path)
    return path


def agrees_with_timm(model, path, rtol=1e-7, **arguments):
    """Loads a timm model's file; logits and the last block's tokens must be the same."""
    loaded = load_checkpoint(save_safetensors(model, path), **arguments)
    images = images_of(loaded.image_shape)
    expected = torch_output(model, images).numpy()
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits(loaded, images), expected, rtol, atol=1e-4)
    features = torch_output(
        lambda x: model.forward_head(model.forward_features(x), pre_logits=True), images
    )
    headless = load_checkpoint(path, **{**arguments, "num_classes": 0})
    np.testing.assert_allclose(logits(headless, images), features.numpy(), rtol, atol=1e-4)
    return loaded
