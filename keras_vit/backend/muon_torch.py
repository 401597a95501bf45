"""Muon's step over all weights together, on PyTorch.

Keras updates one weight after the other, in many small operations. For the MNIST recipe, with 0.35
million parameters and a batch of 128, this takes 21 ms of the 200 ms of CPU time of a step; all
weights together take 12 ms. During the step the memory holds all matrices of one shape several
times.
"""

from collections import defaultdict

import torch
from keras import ops


@torch.no_grad()
def update(optimizer, gradients, variables, learning_rate):
    """Update all variables as `optimizer.update_step` does for each of them, but in groups.

    Args:
        optimizer: a built `SplitMuon`.
        gradients: list of tensors, one for each variable.
        variables: list of Keras variables of the model.
        learning_rate: float or scalar tensor.
    """
    by_adamw, by_muon = [], []
    for gradient, variable in zip(gradients, variables, strict=True):
        place = optimizer.index_of(variable)
        group = by_muon if optimizer.adam_velocities[place] is None else by_adamw
        group.append((gradient, variable.value, optimizer.momentums[place].value, place))
    if by_adamw:
        _adamw(optimizer, by_adamw, learning_rate * optimizer.adam_lr_ratio)
    if by_muon:
        _muon(optimizer, by_muon, learning_rate)


@torch.no_grad()
def decay(optimizer, variables):
    """Apply the weight decay of `optimizer.decay_weights` to all variables."""
    groups = defaultdict(list)
    for variable in filter(optimizer.has_weight_decay, variables):
        by_muon = optimizer.adam_velocities[optimizer.index_of(variable)] is None
        share = optimizer.weight_decay if by_muon else optimizer.adam_weight_decay
        groups[share].append(variable.value)
    rate = optimizer.learning_rate
    for share, values in groups.items():
        if share is not None:
            torch._foreach_mul_(values, 1 - share * rate)


def _adamw(optimizer, group, rate):
    gradients, values, means, places = zip(*group, strict=True)
    squares = [optimizer.adam_velocities[place].value for place in places]
    beta_1, beta_2 = optimizer.adam_beta_1, optimizer.adam_beta_2
    # With gradient accumulation, `iterations` is the number of updates and not a variable.
    step = ops.cast(optimizer.iterations + 1, "float32")
    rate = rate * (1 - beta_2**step) ** 0.5 / (1 - beta_1**step)
    torch._foreach_lerp_(means, gradients, 1 - beta_1)
    torch._foreach_mul_(squares, beta_2)
    torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta_2)
    sizes = torch._foreach_add(torch._foreach_sqrt(squares), optimizer.epsilon)
    torch._foreach_sub_(values, torch._foreach_div(torch._foreach_mul(means, rate), sizes))


def _muon(optimizer, group, rate):
    gradients, values, means, places = zip(*group, strict=True)
    torch._foreach_mul_(means, optimizer.momentum)
    torch._foreach_add_(means, gradients)
    directions = means
    if optimizer.nesterov:
        directions = torch._foreach_add(gradients, means, alpha=optimizer.momentum)
    groups, kernels = defaultdict(list), defaultdict(list)
    for value, direction, place in zip(values, directions, places, strict=True):
        if value.ndim == 4:
            kernels[value.shape].append((value, direction))
            continue
        count = optimizer.parts_of(place)
        for target, part in zip(value.chunk(count, 1), direction.chunk(count, 1), strict=True):
            groups[part.shape, part.dtype].append((target, part))
    for members in groups.values():
        targets, parts = zip(*members, strict=True)
        steps = optimizer.zeropower_via_newtonschulz5(torch.stack(parts), optimizer.ns_steps)
        # `lr_adjust` reads the shape of a matrix from the first two axes.
        steps = optimizer.lr_adjust(rate * steps.movedim(0, 2)).unbind(2)
        torch._foreach_sub_(targets, steps)
    for members in kernels.values():
        _convolutions(optimizer, *zip(*members, strict=True), rate)


def _convolutions(optimizer, kernels, directions, rate):
    """Update the kernels of convolutions that have one shape."""
    filters = kernels[0].shape[-1]
    matrices = torch.stack([direction.reshape(-1, filters) for direction in directions])
    steps = optimizer.zeropower_via_newtonschulz5(matrices, optimizer.ns_steps)
    steps = (steps * (rate * optimizer.convolution_rate)).reshape(-1, *kernels[0].shape)
    norms = torch._foreach_norm(kernels)
    torch._foreach_mul_(kernels, [filters**0.5 / norm for norm in norms])
    torch._foreach_sub_(kernels, steps.unbind(0))
