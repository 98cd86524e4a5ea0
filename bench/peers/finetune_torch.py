"""EfficientNet-Lite0 fine-tuned whole in PyTorch: `finetune_torch.py DATA CLASSES WEIGHTS EPOCHS SIZE BATCH TARGET`.

Channels last, AdamW, one cycle of the learning rate, label smoothing, random flips; photos are decoded once into memory.
Prints a line of JSON at the end: seconds from the start of the process for every epoch, and accuracy on validation.
"""

import glob
import json
import resource
import sys
import time

started = time.perf_counter()
import torch
import torchvision
from efficientnet_lite_pytorch import EfficientNet
from tfrecord.reader import tfrecord_loader

folder, classes, weights = sys.argv[1], int(sys.argv[2]), sys.argv[3]
epochs, size, batch, target = int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6]), float(sys.argv[7])
torch.manual_seed(0)


def read(split):
    images, labels = [], []
    for path in sorted(glob.glob(f"{folder}/*{size}x{size}/{split}/*.tfrec")):
        for example in tfrecord_loader(path, None, {"image": "byte", "class": "int"}):
            jpeg = torch.frombuffer(bytearray(example["image"]), dtype=torch.uint8)
            images.append(torchvision.io.decode_jpeg(jpeg, mode=torchvision.io.ImageReadMode.RGB))
            labels.append(int(example["class"][0]))
    return torch.stack(images), torch.tensor(labels)


def prepare(images):
    return ((images.float() - 127) / 128).contiguous(memory_format=torch.channels_last)


(train_images, train_labels), (val_images, val_labels) = read("train"), read("val")
model = EfficientNet.from_name("efficientnet-lite0")
model.load_state_dict(torch.load(weights))
model._fc = torch.nn.Linear(model._fc.in_features, classes)
model = model.to(memory_format=torch.channels_last)
steps = len(train_images) // batch
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * steps)
rows = []
for epoch in range(epochs):
    model.train()
    order = torch.randperm(len(train_images))
    for step in range(steps):
        rows_of_step = order[step * batch : (step + 1) * batch]
        images = train_images[rows_of_step]
        flip = (torch.rand(batch) < 0.5)[:, None, None, None]
        logits = model(prepare(torch.where(flip, images.flip(3), images)))
        loss = torch.nn.functional.cross_entropy(logits, train_labels[rows_of_step], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        found = torch.cat([model(prepare(part)).argmax(1) for part in val_images.split(64)])
    accuracy = (found == val_labels).float().mean().item()
    rows.append({"accuracy": accuracy, "seconds": time.perf_counter() - started})
    print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if accuracy >= target:
        break
print(
    json.dumps(
        {
            "system": f"PyTorch {torch.__version__}",
            "epochs": rows,
            "seconds": rows[-1]["seconds"],
            "peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }
    )
)
