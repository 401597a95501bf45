"""Data sets without tf.data's tuning, whose thread can keep an epoch from ending.

While a data set is read, the thread checks it, sleeps 10 ms, checks it again, sleeps twice as long,
and so on up to a minute. At the end of the data set TensorFlow wakes the thread, so that it ends.
On busy cores the thread may check whether it should end before TensorFlow says so. It then sleeps
again, and the epoch waits for it: up to as long as the epoch took, or a minute
(`Model::OptimizeLoop` in tensorflow/core/framework/model.cc of TensorFlow 2.21). Without the
thread, "AUTOTUNE" means one thread for each core, at most 16, and as many batches ahead as are
needed.
"""

import tensorflow as tf

DEFAULT_OPTIONS = tf.data.experimental.AutotuneOptions()


def without_tuning(strategy):
    """Wrap TensorFlow's default strategy, so that it reads data sets without tuning.

    Args:
        strategy: a `tf.distribute.Strategy`. Another strategy than the default is returned as it
            is.
    """
    return strategy if tf.distribute.has_strategy() else WithoutTuning(strategy)


class WithoutTuning:
    """TensorFlow's default strategy with the tuning of data sets switched off.

    Args:
        strategy: the `tf.distribute.Strategy` that is wrapped.
    """

    def __init__(self, strategy) -> None:
        self._strategy = strategy

    def __getattr__(self, name):
        return getattr(self._strategy, name)

    def experimental_distribute_dataset(self, dataset, options=None):
        """Return the data set, without tuning unless it sets an option of the tuning itself."""
        if dataset.options().autotune == DEFAULT_OPTIONS:
            untuned = tf.data.Options()
            untuned.autotune.enabled = False
            dataset = dataset.with_options(untuned)
        return self._strategy.experimental_distribute_dataset(dataset, options)
