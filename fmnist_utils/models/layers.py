"""The layer of our own that the faster networks use, and what a layer costs."""

import math

from fmnist_utils.models.backend import keras, tf


@keras.saving.register_keras_serializable("fmnist_utils")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's BatchNormalization of feature maps, in one of TensorFlow's kernels.

    Keras composes it of a dozen operations, each of which reads all numbers anew. Inputs of 16 bits
    are normalised as such; mean, variance and weights keep their 32 bits.
    """

    def __init__(self, **settings: object) -> None:
        super().__init__(autocast=False, **settings)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        training = bool(training and self.trainable)
        kept = self.moving_mean, self.moving_variance
        outputs, *found = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            self.gamma,
            self.beta,
            *(() if training else kept),
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            for moving, now in zip(kept, found, strict=True):
                moving.assign(self.momentum * moving + (1 - self.momentum) * now)
        return outputs


def multiplications(layer: keras.Layer) -> int:
    """How often a dense or convolutional layer multiplies for one image; 0 for other layers.

    Each weight of a kernel is used once at every place of the output.
    """
    if not hasattr(layer, "kernel"):
        return 0
    places = math.prod(layer.output.shape[1:-1])  # 1 for a dense layer
    return places * math.prod(layer.kernel.shape)
