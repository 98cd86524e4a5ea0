"""Keras's models as users run them: `compile`, then `train_on_batch` or `predict_on_batch`."""

import os

APPLICATIONS = {
    "resnet50": "ResNet50",
    "densenet121": "DenseNet121",
    "efficientnet-b0": "EfficientNetB0",
    "mobilenet-v2": "MobileNetV2",
    "xception": "Xception",
}


def open_step(system, case, model, size, classes, images, labels, device, precision):
    backend = system.removeprefix("keras-")
    os.environ.update(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3", JAX_PLATFORMS=device)
    # The other systems' processes want some of a GPU's memory too.
    os.environ.update(XLA_PYTHON_CLIENT_PREALLOCATE="false")
    import keras

    keras.mixed_precision.set_global_policy(precision)
    if model == "cnn":
        network = cnn(keras, size, classes)
    else:
        build = getattr(keras.applications, APPLICATIONS[model])
        network = build(weights=None, classes=classes, input_shape=(size, size, 3))
    network.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    pixels = images.astype("float32") / 127.5 - 1
    version = f"Keras {keras.__version__} on {describe(backend)}"
    if case == "train":
        return version, lambda: network.train_on_batch(pixels, labels)
    return version, lambda: network.predict_on_batch(pixels)


def describe_accelerator():
    import jax

    device = jax.devices()[0]
    return {"accelerator": device.device_kind, "peakDeviceBytes": device.memory_stats()["peak_bytes_in_use"]}


def describe(backend):
    if backend == "jax":
        import jax

        return f"JAX {jax.__version__}"
    import tensorflow

    return f"TensorFlow {tensorflow.__version__}"


def cnn(keras, size, classes):
    """The plain CNN of src/models/cnn.ts with its default options."""
    layers = keras.layers
    x = inputs = keras.Input((size, size, 3))
    for block in range(4):
        x = layers.Conv2D(32 * 2**block, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.MaxPooling2D()(x)
        if block > 0:
            x = layers.Dropout(0.2)(x)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", dtype="float32")(x))
