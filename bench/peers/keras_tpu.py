"""The training step of a keras.applications model on JAX, compiled by libtpu for a TPU that need not be there.

    keras_tpu.py TOPOLOGY MODEL SIZE BATCH

Adam, full fine-tuning, mixed_bfloat16, the batch split over all devices. Prints one line of JSON: what the compiler counts on.
"""

import json
import os
import sys
import time

os.environ.update(TPU_SKIP_MDS_QUERY="1", ALLOW_MULTIPLE_LIBTPU_LOAD="1", KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from jax.experimental import topologies  # noqa: E402
from jax.sharding import Mesh, NamedSharding, PartitionSpec  # noqa: E402

CLASSES = 104

topology, name = sys.argv[1:3]
size, batch = int(sys.argv[3]), int(sys.argv[4])

keras.config.set_dtype_policy("mixed_bfloat16")
model = getattr(keras.applications, name)(weights=None, classes=CLASSES, input_shape=(size, size, 3))
optimizer = keras.optimizers.Adam(1e-4)
optimizer.build(model.trainable_variables)
cross_entropy = keras.losses.SparseCategoricalCrossentropy()


def loss_of(trainable, others, images, labels):
    probabilities, others = model.stateless_call(trainable, others, images, training=True)
    return cross_entropy(labels, jnp.asarray(probabilities, jnp.float32)), others


def step(trainable, others, slots, images, labels):
    (loss, others), slopes = jax.value_and_grad(loss_of, has_aux=True)(trainable, others, images, labels)
    trainable, slots = optimizer.stateless_apply(slots, slopes, trainable)
    return trainable, others, slots, loss


def types(variables):
    return [jax.ShapeDtypeStruct(variable.shape, variable.dtype) for variable in variables]


described = topologies.get_topology_desc(platform="tpu", topology_name=topology)
mesh = Mesh(np.array(described.devices).reshape(-1), ("data",))
same, split = NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data"))
compiled_step = jax.jit(
    step,
    in_shardings=(same, same, same, split, split),
    out_shardings=(same, same, same, same),
    donate_argnums=(0, 1, 2),
)
started = time.perf_counter()
compiled = compiled_step.lower(
    types(model.trainable_variables),
    types(model.non_trainable_variables),
    types(optimizer.variables),
    jax.ShapeDtypeStruct((batch, size, size, 3), jnp.float32),
    jax.ShapeDtypeStruct((batch,), jnp.int32),
).compile()
costs, memory = compiled.cost_analysis(), compiled.memory_analysis()
costs = costs[0] if isinstance(costs, list) else costs
print(
    json.dumps(
        {
            "flops": costs["flops"],
            "bytesAccessed": costs["bytes accessed"],
            "stepSeconds": costs["optimal_seconds"],
            "peakBytes": memory.peak_memory_in_bytes,
            "compileSeconds": time.perf_counter() - started,
        }
    )
)
