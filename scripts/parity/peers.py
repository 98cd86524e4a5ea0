"""Networks of Keras, timm and torchvision for `npm run parity:python`: one JSON request a line on stdin, one answer a line.

    {"peer": "timm", "name": "resnet50", "size": 64, "classes": 7, "action": "save", "file": F, "pixels": P}
    {"peer": ..., "action": "load", ...}

`save` fills a network of the project with random values and writes its weights to F; `load` builds an empty one and
loads F (strictly). Both answer {"logits": [...]} for the pixels in P (uint8, N x size x size x 3).
"""
import json, os, sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what the libraries print goes elsewhere

import numpy as np

MODULES = {"VGG16": "vgg16", "VGG19": "vgg19", "ResNet": "resnet", "Xception": "xception", "DenseNet": "densenet",
           "EfficientNet": "efficientnet", "MobileNetV2": "mobilenet_v2", "ConvNeXt": "convnext"}


def random_value(rng, name, shape):
    leaf = name.replace("/", ".").split(".")[-1]
    u = rng.random(shape)
    if leaf in ("running_var", "moving_variance"):
        return 0.5 + u
    if "gamma" in name or "layer_scale" in name or (leaf == "weight" and len(shape) == 1):
        return 0.5 + u
    if len(shape) < 2:
        return 0.2 * (u - 0.5)
    return (2 * u - 1) * 3 ** 0.5


def torch_network(r):
    if r["peer"] == "timm":
        import timm
        return timm.create_model(r["name"], num_classes=r["classes"])
    import torchvision
    return torchvision.models.get_model(r["name"], weights=None, num_classes=r["classes"])


def torch_logits(network, r, pixels, mean, std):
    import torch
    network.eval()
    x = (pixels.astype(np.float32) / 255 - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    with torch.no_grad():
        return network(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()


def torch_answer(r, pixels):
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
    import torch
    if r["action"] == "save":
        network = torch_network(r)
        rng = np.random.default_rng(7)
        state = network.state_dict()
        for name, tensor in state.items():
            if tensor.dtype == torch.float32:
                value = random_value(rng, name, tuple(tensor.shape))
                if tensor.ndim >= 2 and "layer_scale" not in name:
                    value = value / np.prod(tensor.shape[1:]) ** 0.5
                state[name] = torch.from_numpy(np.asarray(value, np.float32))
        network.load_state_dict(state)
        save_file({k: v.contiguous() for k, v in state.items()}, r["file"])
        cfg = getattr(network, "pretrained_cfg", None)
        mean, std = (cfg["mean"], cfg["std"]) if cfg else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        return torch_logits(network, r, pixels, mean, std)
    if os.path.isdir(r["file"]):
        import timm
        network = timm.create_model("local-dir:" + r["file"], pretrained=True)
        assert network.num_classes == r["classes"]
        return torch_logits(network, r, pixels, network.pretrained_cfg["mean"], network.pretrained_cfg["std"])
    network = torch_network(r)
    # Counters of batches are no weights: every other tensor must be there, and none left over.
    state = load_file(r["file"])
    counters = {k: v for k, v in network.state_dict().items() if k.endswith("num_batches_tracked")}
    network.load_state_dict({**counters, **state}, strict=True)
    with safe_open(r["file"], "pt") as file:
        stated = json.loads(file.metadata()["preprocess"])
    assert stated["channels"] == "rgb"
    return torch_logits(network, r, pixels, np.divide(stated["mean"], 255), np.divide(stated["std"], 255))


def keras_answer(r, pixels):
    import h5py, keras
    keras.utils.clear_session()
    build = getattr(keras.applications, r["name"])
    network = build(weights=None, classes=r["classes"], input_shape=(r["size"], r["size"], 3), classifier_activation=None)
    module = next(m for prefix, m in MODULES.items() if r["name"].startswith(prefix))
    if r["name"].endswith("V2") and module == "resnet":
        module = "resnet_v2"
    if r["action"] == "save":
        rng = np.random.default_rng(7)
        for variable in network.weights:
            shape, leaf = tuple(variable.shape), variable.path.split("/")[-1]
            if leaf == "count":
                continue
            if leaf in ("mean", "variance") and "moving" not in leaf:
                value = 0.4 + 0.1 * rng.random(shape) if leaf == "mean" else 0.04 + 0.02 * rng.random(shape)
            else:
                value = random_value(rng, variable.path, shape)
            if len(shape) >= 2:
                depthwise = leaf == "depthwise_kernel" or (len(shape) == 4 and shape[3] == 1 and shape[2] > 1)
                value = value / np.prod(shape[:2] if depthwise else shape[:-1]) ** 0.5
            if "layer_scale" in variable.path:
                value = 0.5 + rng.random(shape)
            variable.assign(value.astype(np.float32))
        if r["file"].endswith(".weights.h5"):
            network.save_weights(r["file"])
        else:
            from keras.src.legacy.saving import legacy_h5_format
            with h5py.File(r["file"], "w") as file:
                legacy_h5_format.save_weights_to_hdf5_group(file, network)
    else:
        network.load_weights(r["file"])
    x = getattr(keras.applications, module).preprocess_input(pixels.astype(np.float32))
    return np.asarray(network(x, training=False))


for line in sys.stdin:
    request = json.loads(line)
    try:
        side = request["size"]
        pixels = np.fromfile(request["pixels"], np.uint8).reshape(-1, side, side, 3)
        answer = keras_answer if request["peer"] == "keras" else torch_answer
        result = {"logits": answer(request, pixels).astype(np.float64).ravel().tolist()}
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"[:2000]}
    print(json.dumps(result), file=answers, flush=True)
