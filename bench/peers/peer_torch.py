"""PyTorch in its fast form: channels-last, models of timm and torchvision, Adam.

On a GPU with TF32, cuDNN's autotuning, pinned pixels and the fused Adam; `torch-compile` puts torch.compile over the network.
"""

import os

TIMM = {
    "densenet121": "densenet121",
    "efficientnet-b0": "efficientnet_b0",
    "efficientnet-lite0": "efficientnet_lite0",
    "mobilenet-v2": "mobilenetv2_100",
    "xception": "legacy_xception",
}


def open_step(system, case, model, size, classes, images, labels, device, precision):
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    network = build(model, classes).to(device, memory_format=torch.channels_last)
    pixels = torch.from_numpy(images)
    truth = torch.from_numpy(labels)
    if device == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
        pixels, truth = pixels.pin_memory(), truth.pin_memory()
    optimizer = torch.optim.Adam(network.parameters(), fused=device == "cuda")
    network.train(case == "train")
    forward = torch.compile(network) if system == "torch-compile" else network
    mixed = torch.autocast(device, torch.bfloat16, enabled=precision == "mixed_bfloat16")

    def normalised():
        x = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2).float() / 127.5 - 1
        return x.contiguous(memory_format=torch.channels_last)

    def train():
        with mixed:
            logits = forward(normalised())
        loss = torch.nn.functional.cross_entropy(logits.float(), truth.to(device, non_blocking=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def infer():
        with mixed:
            logits = forward(normalised())
        return torch.softmax(logits.float(), 1).cpu().numpy()

    version = f"PyTorch {torch.__version__}{', compiled' if system == 'torch-compile' else ''}"
    return version, train if case == "train" else infer


def describe_accelerator():
    import torch

    return {"accelerator": torch.cuda.get_device_name(), "peakDeviceBytes": torch.cuda.max_memory_allocated()}


def build(model, classes):
    if model == "cnn":
        return cnn(classes)
    if model == "resnet50":
        import torchvision

        return torchvision.models.resnet50(num_classes=classes)
    import timm

    return timm.create_model(TIMM[model], num_classes=classes)


def cnn(classes):
    """The plain CNN of src/models/cnn.ts with its default options."""
    from torch import nn

    layers, channels = [], 3
    for block in range(4):
        filters = 32 * 2**block
        layers += [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(True)]
        layers += [nn.MaxPool2d(2)] + ([nn.Dropout(0.2)] if block > 0 else [])
        channels = filters
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, classes)]
    return nn.Sequential(*layers, *head)
