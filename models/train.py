#!/usr/bin/python3
"""Trains models/shapes.onnx from nothing, and writes all that is shipped with it.

  apt-get install python3-torch python3-numpy python3-pil libopenblas0-pthread
  models/train.py [--folder models] [--epochs 8] [--pictures 12000] [--held-out 4000]

Takes about ten minutes on one core. The result is the same on every run with the same versions and
CPU; other versions give a network as good with other last digits.
"""
import argparse
import os
import time
from collections import OrderedDict

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import data

TRAINING_SEED, HELD_OUT_SEED, SHIPPED_SEED = 1, 2, 3
MEAN, DEVIATION = 0.5, 0.25

# File, class, width, height: none is square, and none has the network's 64 x 64.
SHIPPED = [
    ("arrow.jpg", "arrow", 320, 240), ("bolt.jpg", "bolt", 240, 320),
    ("circle.jpg", "circle", 400, 300), ("crescent.jpg", "crescent", 300, 400),
    ("cross.jpg", "cross", 256, 200), ("heart.jpg", "heart", 360, 270),
    ("ring.jpg", "ring", 333, 251), ("square.jpg", "square", 200, 280),
    ("star.jpg", "star", 384, 288), ("triangle.jpg", "triangle", 280, 210),
    ("heart.png", "heart", 210, 230), ("star.png", "star", 230, 201),
    ("arrow.png", "arrow", 200, 220), ("ring.ppm", "ring", 201, 203),
]


def convolution(number, channels_in, channels_out):
    return [(f"conv{number}", nn.Conv2d(channels_in, channels_out, 3, padding=1)),
            (f"norm{number}", nn.BatchNorm2d(channels_out)), (f"relu{number}", nn.ReLU())]


def network():
    """VGG in small: blocks of 3x3 convolutions, pooling between, then a wide first Linear."""
    return nn.Sequential(OrderedDict([
        *convolution("1_1", 3, 16), ("pool1", nn.MaxPool2d(2)),
        *convolution("2_1", 16, 32), *convolution("2_2", 32, 32), ("pool2", nn.MaxPool2d(2)),
        *convolution("3_1", 32, 64), *convolution("3_2", 64, 64), ("pool3", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()), ("fc1", nn.Linear(64 * 8 * 8, 384)), ("relu_fc1", nn.ReLU()),
        ("dropout", nn.Dropout(0.3)), ("fc2", nn.Linear(384, len(data.LABELS)))]))


def normalised(pixels):
    return (torch.from_numpy(pixels).float() / 255 - MEAN) / DEVIATION


def train(model, pixels, numbers, epochs):
    rng = numpy.random.default_rng(TRAINING_SEED)
    size, steps = 64, len(pixels) // 64
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, epochs * steps)
    model.train()
    for epoch in range(epochs):
        start, total, order = time.time(), 0.0, rng.permutation(len(pixels))
        for step in range(steps):
            chosen = order[step * size:(step + 1) * size]
            # A turned or mirrored shape is still the same shape.
            turned = numpy.rot90(pixels[chosen], int(rng.integers(4)), (2, 3))
            if rng.integers(2):
                turned = turned[..., ::-1]
            outputs = model(normalised(numpy.ascontiguousarray(turned)))
            loss = nn.functional.cross_entropy(outputs, torch.from_numpy(numbers[chosen]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {total / steps:.4f}, "
              f"{time.time() - start:.0f} s", flush=True)


def confusion(model, pixels, numbers):
    """counts[true][told]"""
    model.eval()
    counts = numpy.zeros((len(data.LABELS), len(data.LABELS)), int)
    with torch.no_grad():
        for first in range(0, len(pixels), 100):
            told = model(normalised(pixels[first:first + 100])).argmax(1).numpy()
            numpy.add.at(counts, (numbers[first:first + 100], told), 1)
    return counts


def print_confusion(counts):
    right, all_ = int(counts.trace()), int(counts.sum())
    print(f"held-out accuracy: {right} of {all_} = {100 * right / all_:.2f} %")
    print("rows: what it is; columns: what the network says")
    print(" " * 9 + "".join(f"{label[:6]:>7}" for label in data.LABELS))
    for label, row in zip(data.LABELS, counts):
        print(f"{label:9}" + "".join(f"{n:7}" for n in row))


def deployed(model):
    """The trained network without its training aids, and with the softmax: answers are
    probabilities."""
    layers, modules = OrderedDict(), dict(model.eval().named_children())
    for name, module in modules.items():
        if name.startswith("conv"):
            layers[name] = fuse_conv_bn_eval(module, modules[name.replace("conv", "norm")])
        elif not name.startswith(("norm", "dropout")):
            layers[name] = module
    layers["softmax"] = nn.Softmax(dim=1)
    return nn.Sequential(layers).eval()


def export(whole, path):
    torch.onnx.export(whole, torch.zeros(1, 3, data.SIDE, data.SIDE), path, opset_version=13,
                      input_names=["image"], output_names=["probabilities"])


def preprocessed(path):
    """What models/shapes.yaml says, done by PIL."""
    image = Image.open(path).convert("RGB")
    scale = data.SIDE / min(image.size)
    image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    left, top = [(side - data.SIDE) // 2 for side in image.size]
    image = image.crop((left, top, left + data.SIDE, top + data.SIDE))
    return numpy.asarray(image).transpose(2, 0, 1)[None].copy()


def ship(whole, folder):
    """Draws the pictures people may try, and notes what the trained network says of each."""
    images = os.path.join(folder, "images")
    lines = ["# file\tlabel\tscore (torch, preprocessed by PIL)"]
    for index, (file, label, width, height) in enumerate(SHIPPED):
        image, _ = data.picture(SHIPPED_SEED, index, width, height, label)
        path = os.path.join(images, file)
        image.save(path, quality=90)
        with torch.no_grad():
            scores = whole(normalised(preprocessed(path)))[0]
        told = data.LABELS[int(scores.argmax())]
        if told != label:
            raise SystemExit(f"{path} shows a {label}; the network says {told}")
        lines.append(f"{file}\t{label}\t{scores.max().item():.6f}")
    with open(os.path.join(images, "expected.tsv"), "w") as out:
        out.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--pictures", type=int, default=12000)
    parser.add_argument("--held-out", type=int, default=4000)
    arguments = parser.parse_args()

    torch.manual_seed(TRAINING_SEED)
    torch.set_num_threads(1)
    start = time.time()
    os.makedirs(os.path.join(arguments.folder, "images"), exist_ok=True)
    pixels, numbers = data.batch(TRAINING_SEED, 0, arguments.pictures)
    print(f"{len(pixels)} pictures drawn in {time.time() - start:.0f} s", flush=True)
    model = network()
    train(model, pixels, numbers, arguments.epochs)
    print_confusion(confusion(model, *data.batch(HELD_OUT_SEED, 0, arguments.held_out)))
    whole = deployed(model)
    export(whole, os.path.join(arguments.folder, "shapes.onnx"))
    with open(os.path.join(arguments.folder, "shapes.labels.txt"), "w") as out:
        out.write("\n".join(data.LABELS) + "\n")
    ship(whole, arguments.folder)
    print(f"done in {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
