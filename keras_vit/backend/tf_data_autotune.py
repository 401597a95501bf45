"""A mixin for models whose epochs on TensorFlow do not wait for tf.data's tuning thread."""

from keras_vit.backend.keras_private import distribute_strategy_of


class WithoutTfDataAutotune:
    """Mixin in front of `keras.Model` that reads data sets without tf.data's tuning thread.

    `fit`, `evaluate` and `predict` pass each data set to TensorFlow's distribution strategy. On
    one device, the strategy of this class reads it with the tuning switched off, because the
    tuning thread can keep an epoch from ending (see `tf_data_autotune_tensorflow`). A
    `tf.data.Dataset` with any option of `options.autotune` set keeps its tuning. Strategies of
    several devices keep it too, because they make further data sets of each data set.
    """

    @property
    def distribute_strategy(self):
        """TensorFlow's strategy; other backends raise an AttributeError, as in Keras."""
        strategy = super().distribute_strategy
        if distribute_strategy_of(self) is not None:
            return strategy
        from keras_vit.backend.tf_data_autotune_tensorflow import without_tuning

        return without_tuning(strategy)
