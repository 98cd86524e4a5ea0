"""Writes a small model whose variables count up, with a model inside: tiny.h5 and tiny.weights.h5, and with the state of
an optimizer and a metric beside it tiny-compiled.weights.h5 and tiny.keras; with float16 variables tiny-float16.weights.h5.
Keras 3.15."""
import os
os.environ["KERAS_BACKEND"] = "tensorflow"
import h5py, keras, numpy as np
from keras.src.legacy.saving import legacy_h5_format

def build():
    inner = keras.Sequential([keras.layers.Conv2D(2, 1, name="inner_conv"), keras.layers.BatchNormalization(name="inner_bn")], name="inner")
    images = keras.Input((4, 4, 3))
    x = keras.layers.DepthwiseConv2D(3, use_bias=False, name="depthwise")(inner(images))
    logits = keras.layers.Dense(3, name="predictions")(keras.layers.Flatten()(x))
    model = keras.Model(images, logits)
    start = 0
    for variable in model.weights:
        size = int(np.prod(variable.shape))
        variable.assign(np.arange(start, start + size, dtype="float32").reshape(variable.shape))
        start += size
    return model

model = build()
model.save_weights("tiny.weights.h5")
with h5py.File("tiny.h5", "w") as file:
    legacy_h5_format.save_weights_to_hdf5_group(file, model)
model.compile("adam", "mse", metrics=["mae"])
model.optimizer.build(model.trainable_variables)
model.evaluate(np.zeros((1, 4, 4, 3)), np.zeros((1, 3)), verbose=0)
model.save_weights("tiny-compiled.weights.h5")
model.save("tiny.keras")
keras.config.set_dtype_policy("float16")
build().save_weights("tiny-float16.weights.h5")
