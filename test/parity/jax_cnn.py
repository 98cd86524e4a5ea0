"""Trains the plain CNN in JAX, for `src/train/jax-parity.test.ts` to compare Sepal's training with.

    pip install jax
    JAX_PLATFORMS=cpu python jax_cnn.py        # writes jax-cnn.json beside itself
    npx prettier --write jax-cnn.json

The model is that of `src/models/cnn.ts` without dropout, written here on its own from JAX's primitives. First values and
images come from a formula, so none are stored:

    hash32(x)      finalizer of MurmurHash3 on unsigned 32-bit integers
    uniform(v, i)  hash32(i + 0x9E3779B9 * (v + 1) mod 2**32) / 2**32
    variable v     its number in the order of the layers; element i in row-major order, u = uniform(v, i)
                   kernel (2u - 1) * sqrt(3 / fan_in), gamma and moving_variance 0.5 + u,
                   beta, bias and moving_mean 0.2 * (u - 0.5)
    image n        pixel i is floor(256 * uniform(1000 + n, i)), channels last; its label is (7 n + n // 5) mod classes

Step s trains on images 16 (s mod 4) to 16 (s mod 4) + 15.
"""
import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

SIZE, BATCH, CLASSES, STEPS = 32, 16, 5, 20
EPSILON, STATISTICS_MOMENTUM = 1e-3, 0.9

PLAIN = dict(depth=3, width=8, maxWidth=512, convs=1, kernel=3, stemStrides=1, pooling="max", head="average", hidden=0)
CASES = {
    "sgd": dict(model=PLAIN, smoothing=0.0, optimizer=dict(name="sgd", momentum=0.9), rate=0.01),
    "sgd-nesterov": dict(
        model=PLAIN | dict(width=6, maxWidth=10, depth=2, convs=2, kernel=2),
        smoothing=0.1,
        optimizer=dict(name="sgd", momentum=0.8, nesterov=True, weightDecay=0.01),
        rate=0.005,
    ),
    "adam": dict(
        model=PLAIN | dict(depth=2, stemStrides=2, pooling="average", head="flatten", hidden=12, kernel=5),
        smoothing=0.1,
        optimizer=dict(name="adam", beta1=0.9, beta2=0.999, epsilon=1e-8),
        rate=0.002,
    ),
    "adamw": dict(
        model=PLAIN | dict(depth=2, stemStrides=3),
        smoothing=0.0,
        optimizer=dict(name="adamw", beta1=0.9, beta2=0.99, epsilon=1e-6, weightDecay=0.1),
        rate=0.003,
        clipNorm=1.0,
    ),
}


def hash32(x):
    x = x.astype(np.uint64) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    x = (x * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(13)
    x = (x * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
    return x ^ (x >> np.uint64(16))


def uniform(v, count):
    start = np.uint64((0x9E3779B9 * (v + 1)) & 0xFFFFFFFF)
    return hash32(np.arange(count, dtype=np.uint64) + start).astype(np.float64) / 2**32


@functools.cache
def batch(group):
    numbers = [BATCH * group + row for row in range(BATCH)]
    pixels = [np.floor(256 * uniform(1000 + n, SIZE * SIZE * 3)).reshape(SIZE, SIZE, 3) for n in numbers]
    return np.stack(pixels), np.array([(7 * n + n // 5) % CLASSES for n in numbers])


def variables(o):
    """Path to shape, in the order of the layers."""
    shapes, channels, side = {}, 3, -(-SIZE // o["stemStrides"])

    def norm(path, size):
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{path}/{name}"] = (size,)

    for block in range(1, o["depth"] + 1):
        filters = min(o["width"] * 2 ** (block - 1), o["maxWidth"])
        for conv in range(1, o["convs"] + 1):
            path = f"block{block}/conv{conv}"
            shapes[f"{path}/kernel"] = (o["kernel"], o["kernel"], channels, filters)
            norm(path, filters)
            channels = filters
        side //= 2
    features = channels if o["head"] == "average" else channels * side * side
    if o["hidden"] > 0:
        shapes["hidden/kernel"] = (features, o["hidden"])
        norm("hidden", o["hidden"])
        features = o["hidden"]
    shapes["classifier/kernel"] = (features, CLASSES)
    shapes["classifier/bias"] = (CLASSES,)
    return shapes


def first_value(number, path, shape):
    name = path.split("/")[-1]
    u = uniform(number, int(np.prod(shape))).reshape(shape)
    if name == "kernel":
        return (2 * u - 1) * np.sqrt(3 / np.prod(shape[:-1]))
    return 0.5 + u if name in ("gamma", "moving_variance") else 0.2 * (u - 0.5)


def network(o, values, images):
    """Logits and new statistics, in training mode."""
    updates = {}

    def norm(path, x):
        axes = tuple(range(x.ndim - 1))
        mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
        for name, now in (("moving_mean", mean), ("moving_variance", variance)):
            old = values[f"{path}/{name}"]
            updates[f"{path}/{name}"] = STATISTICS_MOMENTUM * old + (1 - STATISTICS_MOMENTUM) * now
        normal = (x - mean) / jnp.sqrt(variance + EPSILON)
        return normal * values[f"{path}/gamma"] + values[f"{path}/beta"]

    x = images / 127.5 - 1
    for block in range(1, o["depth"] + 1):
        for conv in range(1, o["convs"] + 1):
            path = f"block{block}/conv{conv}"
            strides = o["stemStrides"] if (block, conv) == (1, 1) else 1
            kernel = values[f"{path}/kernel"]
            x = jax.lax.conv_general_dilated(
                x, kernel, (strides, strides), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            x = jax.nn.relu(norm(path, x))
        window = (1, 2, 2, 1)
        if o["pooling"] == "max":
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")
        else:
            x = jax.lax.reduce_window(x, 0.0, jax.lax.add, window, window, "VALID") / 4
    x = jnp.mean(x, (1, 2)) if o["head"] == "average" else x.reshape(BATCH, -1)
    if o["hidden"] > 0:
        x = jax.nn.relu(norm("hidden", x @ values["hidden/kernel"]))
    return x @ values["classifier/kernel"] + values["classifier/bias"], updates


def update(optimizer, rate, path, value, gradient, slots, step):
    decay = optimizer.get("weightDecay", 0) if path.endswith("kernel") else 0
    if optimizer["name"] == "sgd":
        gradient = gradient + decay * value
        moved = optimizer["momentum"] * slots[0] + gradient
        direction = gradient + optimizer["momentum"] * moved if optimizer.get("nesterov") else moved
        return value - rate * direction, [moved]
    beta1, beta2 = optimizer["beta1"], optimizer["beta2"]
    mean = beta1 * slots[0] + (1 - beta1) * gradient
    square = beta2 * slots[1] + (1 - beta2) * gradient**2
    direction = (mean / (1 - beta1**step)) / (jnp.sqrt(square / (1 - beta2**step)) + optimizer["epsilon"])
    return value - rate * (direction + decay * value), [mean, square]


def run(case, dtype):
    o, optimizer = case["model"], case["optimizer"]
    shapes = variables(o)
    values = {p: jnp.asarray(first_value(i, p, s), dtype) for i, (p, s) in enumerate(shapes.items())}
    trained = [path for path in shapes if "moving_" not in path]
    slots = {path: [jnp.zeros_like(values[path])] * 2 for path in trained}

    def loss_of(params, values, images, labels):
        logits, updates = network(o, {**values, **params}, images)
        target = jax.nn.one_hot(labels, CLASSES, dtype=dtype)
        target = (1 - case["smoothing"]) * target + case["smoothing"] / CLASSES
        return -jnp.mean(jnp.sum(target * jax.nn.log_softmax(logits), 1)), updates

    @jax.jit
    def train_step(values, slots, images, labels, step):
        params = {path: values[path] for path in trained}
        (loss, updates), gradients = jax.value_and_grad(loss_of, has_aux=True)(params, values, images, labels)
        norms = {path: jnp.linalg.norm(gradient.ravel()) for path, gradient in gradients.items()}
        if "clipNorm" in case:
            factor = jnp.minimum(1, case["clipNorm"] / jnp.linalg.norm(jnp.stack(list(norms.values()))))
            gradients = {path: gradient * factor for path, gradient in gradients.items()}
        moved = {
            path: update(optimizer, case["rate"], path, values[path], gradients[path], slots[path], step)
            for path in trained
        }
        new_values = values | updates | {path: value for path, (value, _) in moved.items()}
        return new_values, {path: slot for path, (_, slot) in moved.items()}, loss, norms

    losses, gradient_norms = [], {}
    for s in range(STEPS):
        images, labels = (jnp.asarray(part) for part in batch(s % 4))
        values, slots, loss, norms = train_step(
            values, slots, images.astype(dtype), labels, jnp.asarray(s + 1, dtype)
        )
        losses.append(float(loss))
        gradient_norms = gradient_norms or {path: float(norm) for path, norm in norms.items()}
    return dict(
        losses=losses,
        gradientNorms=gradient_norms,
        finalNorms={path: norm_of(value) for path, value in values.items()},
    )


def norm_of(x):
    return float(np.linalg.norm(np.asarray(x, np.float64)))


def rounded(x):
    if isinstance(x, dict):
        return {name: rounded(value) for name, value in x.items()}
    return [rounded(value) for value in x] if isinstance(x, list) else float(f"{x:.9g}")


if __name__ == "__main__":
    result = dict(jax=jax.__version__, size=SIZE, batch=BATCH, classes=CLASSES, cases={})
    for name, case in CASES.items():
        single = run(case, jnp.float32)
        with jax.enable_x64(True):
            double = run(case, jnp.float64)
        apart = max(abs(a - b) / abs(b) for a, b in zip(single["losses"], double["losses"]))
        print(f"{name}: loss {single['losses'][0]:.4f} to {single['losses'][-1]:.4f}, float64 differs by {apart:.1e}")
        result["cases"][name] = case | rounded(single)
    path = pathlib.Path(__file__).parent / "jax-cnn.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
