# Writes test/augment/reference.json: one small picture and what torchvision makes of it at fixed parameters.
#
#   python scripts/augment/reference.py        (torch, torchvision, numpy)
import base64, json, pathlib
import numpy as np
import torch
import torchvision
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

SIDE = 24
y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
flower = np.stack(
    [
        128 + 90 * np.sin(7 * x + 3 * y),
        120 + 100 * np.cos(5 * y - 2 * x) * np.sin(4 * x),
        100 + 60 * np.sin(9 * x * y + 1) + 40 * ((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.06),
    ],
    axis=-1,
)
rng = np.random.default_rng(0)
pixels = np.clip(flower + rng.normal(0, 6, flower.shape), 0, 255).round().astype(np.uint8)
pixels[2:5, 3:9] = 77  # some pixels without colour
image = torch.from_numpy(pixels).permute(2, 0, 1)
unit = image.float() / 255
turned = dict(interpolation=InterpolationMode.BILINEAR)

cases = {
    "brightness 0.6": F.adjust_brightness(unit, 0.6),
    "brightness 1.4": F.adjust_brightness(unit, 1.4),
    "contrast 0.5": F.adjust_contrast(unit, 0.5),
    "contrast 1.5": F.adjust_contrast(unit, 1.5),
    "saturation 0.3": F.adjust_saturation(unit, 0.3),
    "saturation 1.7": F.adjust_saturation(unit, 1.7),
    "hue 0.1": F.adjust_hue(unit, 0.1),
    "hue -0.35": F.adjust_hue(unit, -0.35),
    "grayscale": F.rgb_to_grayscale(unit, num_output_channels=3),
    "sharpness 0": F.adjust_sharpness(unit, 0.0),
    "sharpness 1.8": F.adjust_sharpness(unit, 1.8),
    "solarize 0.5": F.solarize(unit, 0.5),
    "blur 1.5": F.gaussian_blur(unit, [13, 13], [1.5, 1.5]),
    "flip": F.horizontal_flip(unit),
    "flip vertical": F.vertical_flip(unit),
    "turn 90": torch.rot90(unit, 1, [1, 2]),
    "turn 180": torch.rot90(unit, 2, [1, 2]),
    "turn 270": torch.rot90(unit, 3, [1, 2]),
    "rotate 20": F.rotate(unit, 20.0, **turned),
    "rotate -33": F.rotate(unit, -33.0, **turned),
    # Its centre for a slant is the corner of the pixel in the middle; ours is the middle.
    "slant across 15": F.affine(unit, 0.0, [0, 0], 1.0, [15.0, 0.0], **turned),
    "zoom 1.3": F.affine(unit, 0.0, [0, 0], 1.3, [0.0, 0.0], **turned),
    "zoom 0.7": F.affine(unit, 0.0, [0, 0], 0.7, [0.0, 0.0], **turned),
    "shift 4 -2.5": F.affine(unit, 0.0, [4, -2.5], 1.0, [0.0, 0.0], **turned),
    "crop": F.resized_crop(unit, 5, 8, 16, 12, [SIDE, SIDE], InterpolationMode.BILINEAR, antialias=False),
    "crop, bicubic": F.resized_crop(unit, 5, 8, 16, 12, [SIDE, SIDE], InterpolationMode.BICUBIC, antialias=True),
    "erase": F.erase(unit, 4, 10, 9, 6, torch.zeros(3, 1, 1)),
}


def pack(tensor):
    # In 256ths of a grey level.
    values = (tensor.permute(1, 2, 0).clamp(0, 1) * 255 * 256).round().numpy().astype("<u2")
    return base64.b64encode(values.tobytes()).decode()


out = pathlib.Path(__file__).parents[2] / "test" / "augment" / "reference.json"
out.parent.mkdir(exist_ok=True)
out.write_text(
    json.dumps(
        {
            "made by": f"scripts/augment/reference.py, torchvision {torchvision.__version__}",
            "side": SIDE,
            "image": base64.b64encode(pixels.tobytes()).decode(),
            "cases": {name: pack(value) for name, value in cases.items()},
        },
        indent=1,
    )
    + "\n"
)
