"""A batch in parts trains as the batch in one."""

import dataclasses

import numpy as np
import pytest
from keras import ops

from keras_vit.data import ImageData
from keras_vit.runs import Preset, build

pytestmark = pytest.mark.backends

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (26, 8, 8, 1)).astype("uint8")
Y = RNG.integers(0, 3, 26)
DATA = ImageData(X, Y, X, Y, ("a", "b", "c"))
WHOLE = Preset(
    "",
    "",
    epochs=2,
    batch_size=12,
    warmup_epochs=0.5,
    peak_learning_rate=1e-2,
    ema_momentum=0.5,
    model={"patch_size": 4, "hidden_dim": 8, "depth": 1, "num_heads": 1, "mlp_dim": 8},
)


def trained(preset):
    batches = build.build_batches(preset, *DATA.train, 0)
    trainer = build.build_trainer(preset, build.build_model(preset, DATA), len(batches))
    for i, variable in enumerate(trainer.trainable_variables):
        value = np.random.default_rng(i).normal(0, 0.2, variable.shape)
        variable.assign(value.astype("float32"))
    rates = []
    for epoch in range(preset.epochs):
        batches.start_epoch(epoch)
        for i in range(len(batches)):
            trainer.train_on_batch(*batches[i])
            rates.append(float(ops.convert_to_numpy(trainer.optimizer.learning_rate)))
    weights = [ops.convert_to_numpy(v) for v in trainer.trainable_variables]
    return trainer, rates, weights


@pytest.mark.medium
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_parts_of_a_batch_train_as_the_batch_in_one(optimizer):
    """Decay and learning rate among it: both would be off if a part counted as an update."""
    whole = dataclasses.replace(WHOLE, optimizer=optimizer)
    _, rates, weights = trained(dataclasses.replace(whole, accumulate=3))
    trainer, expected_rates, expected = trained(whole)
    assert rates[2::3] == pytest.approx(expected_rates)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)
    start = np.random.default_rng(0).normal(0, 0.2, trainer.trainable_variables[0].shape)
    assert np.abs(expected[0] - start).max() > 5e-3, "the case shows nothing: nothing was trained"


def test_an_epoch_has_whole_batches_in_the_same_order():
    whole, parts = (
        build.build_batches(preset, *DATA.train, 5)
        for preset in (WHOLE, dataclasses.replace(WHOLE, accumulate=3))
    )
    assert (len(whole), len(parts)) == (2, 6)
    for k in range(2):
        labels = np.concatenate([parts[3 * k + i][1] for i in range(3)])
        np.testing.assert_array_equal(labels, whole[k][1])


def test_a_batch_that_has_no_such_parts_is_refused():
    with pytest.raises(ValueError, match="accumulate=5, batch_size=12"):
        dataclasses.replace(WHOLE, accumulate=5)
    with pytest.raises(ValueError, match="3 images can't be taken in 4 parts"):
        build.build_batches(dataclasses.replace(WHOLE, accumulate=4), X[:3], Y[:3], 0)
