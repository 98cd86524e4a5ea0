"""One process of tf.data over Kaggle-layout TFRecord files: `tfdata_read.py FOLDER SIZE BATCH PASSES FORM`.

Reads, checks, parses, decodes, shuffles and batches every record, PASSES times. FORM is `records` (records are shuffled,
then decoded: the fastest form), `images` (decoded, then shuffled: the form of the usual notebooks) or `cache` (decoded
images are cached in memory). Prints one line of JSON: seconds and seconds of CPU time of each pass, counted from after the imports, records,
and the peak of resident memory.
"""

import glob
import json
import os
import resource
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

folder, size, batch, passes = sys.argv[1], *map(int, sys.argv[2:5])
form = sys.argv[5]
features = {"image": tf.io.FixedLenFeature([], tf.string), "class": tf.io.FixedLenFeature([], tf.int64)}


def parse(record):
    example = tf.io.parse_single_example(record, features)
    image = tf.io.decode_jpeg(example["image"], channels=3)
    return tf.ensure_shape(image, (size, size, 3)), example["class"]


started = time.perf_counter()
cpu_started = time.process_time()
files = tf.data.Dataset.from_tensor_slices(sorted(glob.glob(os.path.join(folder, "*.tfrec"))))
options = tf.data.Options()
options.deterministic = False
data = tf.data.TFRecordDataset(files, num_parallel_reads=tf.data.AUTOTUNE).with_options(options)
if form == "cache":
    data = data.map(parse, num_parallel_calls=tf.data.AUTOTUNE).cache().shuffle(2048)
elif form == "images":
    data = data.map(parse, num_parallel_calls=tf.data.AUTOTUNE).shuffle(2048)
else:
    data = data.shuffle(2048).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
data = data.batch(batch).prefetch(tf.data.AUTOTUNE)
seconds = []
cpu_seconds = []
records = 0
for _ in range(passes):
    records = 0
    for images, _ in data:
        records += images.shape[0]
    now, cpu_now = time.perf_counter(), time.process_time()
    seconds.append(now - started)
    cpu_seconds.append(cpu_now - cpu_started)
    started, cpu_started = now, cpu_now

peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
system = f"tf.data {tf.__version__}"
row = {"system": system, "records": records, "seconds": seconds, "cpuSeconds": cpu_seconds, "peakRssBytes": peak}
print(json.dumps(row))
