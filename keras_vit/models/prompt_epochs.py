"""What all models of ours have on TensorFlow: epochs that end with their last step."""


class PromptEpochs:
    """For a `keras.Model`, in front of it among the bases: no thread of tf.data's is waited for.

    `fit`, `evaluate` and `predict` let TensorFlow's strategy take each data set. On one device
    ours takes it without the tuning at run time that keeps an epoch from ending, see
    `prompt_epochs_tensorflow`. A `tf.data.Dataset` with any of `options.autotune` set keeps it,
    and so do strategies of several devices, which make further data sets of each.
    """

    @property
    def distribute_strategy(self):
        """TensorFlow's strategy; an AttributeError on the other backends, which have none."""
        strategy = super().distribute_strategy
        if self._distribute_strategy is not None:
            return strategy
        from keras_vit.models.prompt_epochs_tensorflow import without_tuning

        return without_tuning(strategy)
