"""One process of a peer that runs training or inference steps: `step.py SYSTEM CASE MODEL SIZE BATCH DEVICE PRECISION`.

SYSTEM is keras-tensorflow, keras-jax, torch, torch-compile or onnxruntime; CASE is train or inference; DEVICE is cpu or cuda;
PRECISION is float32 or mixed_bfloat16. After two steps of warm-up it
prints a line of JSON and then another one for each line that it reads: the seconds of one step. At the end of its input
it prints the peak of its resident memory.
"""

import json
import os
import resource
import sys
import time

import numpy as np

CLASSES = 104
system, case, model, size, batch = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
device, precision = sys.argv[6], sys.argv[7]

if system.startswith("keras-"):
    from peer_keras import describe_accelerator, open_step
elif system.startswith("torch"):
    from peer_torch import describe_accelerator, open_step
else:
    from peer_onnxruntime import open_step

random = np.random.default_rng(0)
images = random.integers(0, 256, (batch, size, size, 3), dtype=np.uint8)
labels = random.integers(0, CLASSES, batch, dtype=np.int64)


def answer(**values):
    print(json.dumps(values), flush=True)


def on_device(key):
    """What an accelerator is called, or the most memory that was in use on it; nothing of a CPU."""
    return {} if device == "cpu" else {key: describe_accelerator()[key]}


version, step = open_step(system, case, model, size, CLASSES, images, labels, device, precision)
started = time.perf_counter()
step()
first = time.perf_counter() - started
step()
answer(system=version, firstSeconds=first, **on_device("accelerator"))
for _ in sys.stdin:
    started, cpu = time.perf_counter(), time.process_time()
    step()
    answer(seconds=time.perf_counter() - started, cpuSeconds=time.process_time() - cpu)
answer(peakRssBytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, **on_device("peakDeviceBytes"))
