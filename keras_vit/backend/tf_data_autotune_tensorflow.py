"""Data sets without tf.data's tuning, whose thread can keep an epoch from ending.

While a data set is read, the thread looks at it, sleeps 10 ms, looks, sleeps twice as long, up to a
minute. At the end it is woken to go; on busy cores it may look whether it should before it is told
so, and sleeps out its time, for which the epoch waits: up to as long again as it took, or a minute
(`Model::OptimizeLoop` in TensorFlow 2.21's tensorflow/core/framework/model.cc). Without the thread
"AUTOTUNE" is a thread a core, 16 at most, and as many batches ahead as turn out to be asked for.
"""

import tensorflow as tf

AS_TENSORFLOW_HAS_IT = tf.data.experimental.AutotuneOptions()


def without_tuning(strategy):
    """A strategy as it is, but for the data sets it takes, where it is TensorFlow's default."""
    return strategy if tf.distribute.has_strategy() else WithoutTuning(strategy)


class WithoutTuning:
    """TensorFlow's default strategy, which leaves data sets as they are, but for their tuning.

    Args:
        strategy: the `tf.distribute.Strategy`.
    """

    def __init__(self, strategy):
        self._strategy = strategy

    def __getattr__(self, name):
        return getattr(self._strategy, name)

    def experimental_distribute_dataset(self, dataset, options=None):
        if dataset.options().autotune == AS_TENSORFLOW_HAS_IT:
            untuned = tf.data.Options()
            untuned.autotune.enabled = False
            dataset = dataset.with_options(untuned)
        return self._strategy.experimental_distribute_dataset(dataset, options)
