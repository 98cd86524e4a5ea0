"""A new head on a frozen EfficientNet-Lite0 in Keras on TensorFlow: `frozen_keras.py DATA EPOCHS SIZE BATCH`.

As a user would write it: tf.data that keeps the decoded photos, `model.fit` with validation after each epoch, the backbone
not trainable. Its weights are random: the seconds count here, and they don't depend on the weights. Prints a line of JSON.
"""

import glob
import json
import os
import resource
import sys
import time

started = time.perf_counter()
os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
import keras
import tensorflow as tf
from keras import layers

folder, epochs, size, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
FEATURES = {"image": tf.io.FixedLenFeature([], tf.string), "class": tf.io.FixedLenFeature([], tf.int64)}


def parse(record):
    example = tf.io.parse_single_example(record, FEATURES)
    image = tf.reshape(tf.io.decode_jpeg(example["image"], channels=3), (size, size, 3))
    return image, example["class"]


def split(name):
    files = sorted(glob.glob(f"{folder}/*{size}x{size}/{name}/*.tfrec"))
    return tf.data.TFRecordDataset(files).map(parse, num_parallel_calls=tf.data.AUTOTUNE).cache()


def conv_bn(x, filters, kernel=1, strides=1, activate=True):
    x = layers.Conv2D(filters, kernel, strides, "same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU(6)(x) if activate else x


def lite0(inputs):
    x = conv_bn(layers.Rescaling(1 / 128, -127 / 128)(inputs), 32, 3, 2)
    stages = [(3, 1, 16, 1, 1), (3, 2, 24, 6, 2), (5, 2, 40, 6, 2), (3, 3, 80, 6, 2), (5, 3, 112, 6, 1), (5, 4, 192, 6, 2), (3, 1, 320, 6, 1)]
    for kernel, repeats, filters, expansion, first in stages:
        for i in range(repeats):
            y = conv_bn(x, expansion * x.shape[-1]) if expansion > 1 else x
            y = layers.DepthwiseConv2D(kernel, first if i == 0 else 1, "same", use_bias=False)(y)
            y = layers.ReLU(6)(layers.BatchNormalization()(y))
            y = conv_bn(y, filters, activate=False)
            x = layers.Add()([x, y]) if i > 0 else y
    return conv_bn(x, 1280)


train, validation = split("train"), split("val").batch(batch)
inputs = keras.Input((size, size, 3))
backbone = keras.Model(inputs, lite0(inputs))
backbone.trainable = False
x = layers.GlobalAveragePooling2D()(backbone(inputs, training=False))
x = layers.Dropout(0.3)(layers.Dense(256, "relu")(x))
model = keras.Model(inputs, layers.Dense(5, "softmax")(x))
model.compile(keras.optimizers.AdamW(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(train.shuffle(4096).batch(batch).prefetch(2), validation_data=validation, epochs=epochs, verbose=0)
print(
    json.dumps(
        {
            "system": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
            "seconds": time.perf_counter() - started,
            "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
