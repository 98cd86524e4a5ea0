"""ONNX Runtime on PyTorch's network, exported and optimised by it; inference only."""

import os
import tempfile

import numpy as np


def open_step(system, case, model, size, classes, images, labels, device, precision):
    import onnxruntime
    import torch

    from peer_torch import build

    network = build(model, classes).eval()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        example = torch.zeros((len(images), 3, size, size))
        torch.onnx.export(network, (example,), path, dynamo=False, input_names=["images"])
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def infer():
        pixels = np.ascontiguousarray(images.transpose(0, 3, 1, 2).astype("float32") / 127.5 - 1)
        return session.run(None, {"images": pixels})

    return f"ONNX Runtime {onnxruntime.__version__}", infer
