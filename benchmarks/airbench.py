"""Train airbench's convolutional network on CIFAR-10, the peer of the hybrid recipes, on a CPU.

    python benchmarks/airbench.py [--epochs 8] [--seed 0] [--held-out 5000] [--out FILE]

The network, its training and every number are those of Keller Jordan's airbench94_muon.py
(github.com/KellerJordan/cifar10-airbench, arXiv 2404.00498), which reaches 94.0 % with six views of
each test image in 8 epochs. Here the products are in bfloat16 beside weights in float32, instead of
all in float16, because a CPU has no fast products of float16. Needs PyTorch alone, besides this
package for the data.

The script prints a line of JSON: the accuracy after every epoch, of one view of each image, and the
seconds that had been trained until then.
"""

import argparse
import json
import os
import time

os.environ.setdefault("KERAS_BACKEND", "torch")  # for the data; Keras trains nothing here

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from keras_vit import load_data
from keras_vit.files import write_json

MEAN = torch.tensor((0.4914, 0.4822, 0.4465)).view(1, 3, 1, 1)
STD = torch.tensor((0.2470, 0.2435, 0.2616)).view(1, 3, 1, 1)
WIDTHS = (64, 256, 256)
BATCH = 2000
SMOOTHING = 0.2
PADDING = 2
BIAS_RATE, HEAD_RATE, MOMENTUM = 0.053, 0.67, 0.85
MUON_RATE, MUON_MOMENTUM = 0.24, 0.6
DECAY = 2e-6 * BATCH  # of biases and head, whatever their rate
BIAS_EPOCHS = 3  # the whitening's bias trains for so long


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="cifar10", help="default: %(default)s")
    parser.add_argument(
        "--held-out",
        type=int,
        default=0,
        metavar="N",
        help="look at N training images, which are not trained on, instead of the test images",
    )
    parser.add_argument("--out", help="a file for the line of JSON")
    flags = parser.parse_args()
    result = trained(load_data(flags.data), flags.epochs, flags.seed, flags.held_out)
    print(json.dumps(result))
    if flags.out:
        write_json(flags.out, result)


def trained(data, epochs, seed, held_out):
    """Train the network and return what the script prints."""
    torch.manual_seed(seed)
    x, y, x_other, y_other = data.x_train, data.y_train, data.x_test, data.y_test
    if held_out:
        order = np.random.default_rng(0).permutation(len(x))
        x_other, y_other = x[order[:held_out]], y[order[:held_out]]
        x, y = x[order[held_out:]], y[order[held_out:]]
    x, x_other = normalized(x), normalized(x_other)
    y, y_other = torch.from_numpy(y).long(), torch.from_numpy(y_other).long()

    began = time.perf_counter()
    net = Network()
    net.whiten(x[:5000])
    flipped = torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.flip(3), x)
    padded = functional.pad(flipped, (PADDING,) * 4, "reflect")
    step = Steps(net, epochs * (len(x) // BATCH), BIAS_EPOCHS * (len(x) // BATCH))
    looking, rows = 0.0, []
    for epoch in range(epochs):
        net.train()
        images = cropped(padded)
        if epoch % 2:
            images = images.flip(3)
        order = torch.randperm(len(x))
        for i in range(len(x) // BATCH):
            batch = order[i * BATCH : (i + 1) * BATCH]
            # In parts, because a CPU's caches hold no activations of 2,000 images.
            for part in batch.split(250):
                functional.cross_entropy(
                    net(images[part]), y[part], label_smoothing=SMOOTHING, reduction="sum"
                ).backward()
            step()
        seconds = time.perf_counter() - began - looking
        accuracy = accuracy_of(net, x_other, y_other)
        looking = time.perf_counter() - began - seconds
        rows.append({"epoch": epoch + 1, "seconds": round(seconds, 1), "accuracy": accuracy})
    return {
        "what": "airbench94_muon.py in PyTorch, bfloat16 on a CPU",
        "parameters": sum(p.numel() for p in net.parameters()),
        "held_out": held_out,
        "seed": seed,
        "threads": torch.get_num_threads(),
        "epochs": rows,
    }


def normalized(images):
    """Images `(N, H, W, C)` uint8 as PyTorch takes them, standardised by channel."""
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - MEAN) / STD


def cropped(padded):
    """One crop of each padded image."""
    side = padded.shape[3] - 2 * PADDING
    shifts = torch.randint(0, 2 * PADDING + 1, (len(padded), 2))
    images = torch.empty(len(padded), 3, side, side)
    for row in range(2 * PADDING + 1):
        for column in range(2 * PADDING + 1):
            chosen = (shifts == torch.tensor((row, column))).all(1)
            images[chosen] = padded[chosen, :, row : row + side, column : column + side]
    return images


def accuracy_of(net, images, labels):
    net.eval()
    with torch.no_grad():
        right = [
            (net(x).argmax(1) == y)
            for x, y in zip(images.split(500), labels.split(500), strict=True)
        ]
    return torch.cat(right).float().mean().item()


class Network(nn.Module):
    """Whitening, three groups of two convolutions, a maximum over the cells, the head."""

    def __init__(self):
        super().__init__()
        self.whitening = nn.Conv2d(3, 24, 2)
        self.whitening.weight.requires_grad = False
        widths = (24, *WIDTHS)
        self.groups = nn.Sequential(
            nn.GELU(), *(group(a, b) for a, b in zip(widths, WIDTHS, strict=False)), nn.MaxPool2d(3)
        )
        self.head = nn.Linear(WIDTHS[-1], 10, bias=False)
        self.head.weight.data /= self.head.weight.data.std()
        self.to(memory_format=torch.channels_last)

    def whiten(self, images, epsilon=5e-4):
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = (vectors / torch.sqrt(values + epsilon)).T.reshape(12, 3, 2, 2)
        self.whitening.weight.data = torch.cat([filters, -filters])

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            x = self.groups(self.whitening(x.contiguous(memory_format=torch.channels_last)))
            return self.head(x.flatten(1)).float() / WIDTHS[-1]


def group(channels, filters):
    def convolution(channels):
        layer = nn.Conv2d(channels, filters, 3, padding="same", bias=False)
        nn.init.dirac_(layer.weight.data[:channels])
        return layer

    def norm():
        layer = nn.BatchNorm2d(filters, eps=1e-12, momentum=0.4)
        layer.weight.requires_grad = False
        return layer

    return nn.Sequential(
        *(convolution(channels), nn.MaxPool2d(2), norm(), nn.GELU()),
        *(convolution(filters), norm(), nn.GELU()),
    )


class Steps:
    """The updates: Muon for the kernels, SGD for biases and head, all falling linearly to zero."""

    def __init__(self, net, total, bias_total):
        named = [(name, p) for name, p in net.named_parameters() if p.requires_grad]
        self.kernels = [p for _, p in named if p.ndim == 4]
        self.moving = [torch.zeros_like(p) for p in self.kernels]
        groups = [(BIAS_RATE, [net.whitening.bias]), (HEAD_RATE, [net.head.weight])]
        norms = [p for name, p in named if name.startswith("groups") and p.ndim == 1]
        groups.insert(1, (BIAS_RATE, norms))
        self.sgd = torch.optim.SGD(
            [{"params": p, "lr": rate, "weight_decay": DECAY / rate} for rate, p in groups],
            momentum=MOMENTUM,
            nesterov=True,
        )
        self.rates = [rate for rate, _ in groups]
        self.total, self.bias_total, self.done = total, bias_total, 0
        self.bias = net.whitening.bias

    @torch.no_grad()
    def __call__(self):
        left = 1 - self.done / self.total
        for i, group_ in enumerate(self.sgd.param_groups):
            share = left if i else max(0.0, 1 - self.done / self.bias_total)
            group_["lr"] = self.rates[i] * share
        if self.done >= self.bias_total:
            self.bias.grad = None
        self.sgd.step()
        for kernel, moving in zip(self.kernels, self.moving, strict=True):
            moving.mul_(MUON_MOMENTUM).add_(kernel.grad)
            direction = kernel.grad.add(moving, alpha=MUON_MOMENTUM)
            kernel.mul_(len(kernel) ** 0.5 / kernel.norm())
            step = orthogonal(direction.reshape(len(kernel), -1)).reshape(kernel.shape)
            kernel.sub_(step, alpha=MUON_RATE * left)
        self.sgd.zero_grad()
        for kernel in self.kernels:
            kernel.grad = None
        self.done += 1


def orthogonal(matrix, steps=3):
    """Nearly the nearest orthogonal matrix, by Newton and Schulz."""
    x = matrix.bfloat16()
    x = x / (x.norm() + 1e-7)
    wide = x if len(x) <= x.shape[1] else x.T
    for _ in range(steps):
        product = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * product + 2.0315 * product @ product) @ wide
    return (wide if len(x) <= x.shape[1] else wide.T).float()


if __name__ == "__main__":
    main()
