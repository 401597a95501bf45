"""What all models of ours have on TensorFlow: epochs that end with their last step."""


class PromptEpochs:
    """For a `keras.Model`, in front of it among the bases: no thread of tf.data's is waited for.

    `fit`, `evaluate` and `predict` let TensorFlow's strategy take each data set. Ours takes it
    without the tuning at run time that keeps an epoch from ending, see `prompt_epochs_tensorflow`.
    A `tf.data.Dataset` whose `options.autotune.enabled` is set keeps what it has.
    """

    @property
    def distribute_strategy(self):
        """TensorFlow's strategy; the other backends have none, and none reads it there."""
        from keras_vit.models.prompt_epochs_tensorflow import WithoutTuning

        return WithoutTuning(super().distribute_strategy)
