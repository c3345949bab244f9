#!/usr/bin/python3
"""Pictures of ten shapes, drawn from seeds: the data that models/shapes.onnx is trained on.

A picture is a pure function of (seed, index): the same numbers give the same picture. The scene is
described in fractions of the picture's shorter side, so one description serves the 64x64 training
pictures and the larger files in models/images.

  data.py preview FILE   writes a sheet of training pictures, to look at
"""
import math
import sys

import numpy
from PIL import Image, ImageDraw

LABELS = ["arrow", "bolt", "circle", "crescent", "cross", "heart", "ring", "square", "star",
          "triangle"]
SIDE = 64  # of the network's input


def _regular(corners, inner=None):
    """A regular polygon of radius 1, or a star whose inner corners lie at radius `inner`."""
    step = math.pi / corners if inner else 2 * math.pi / corners
    count = 2 * corners if inner else corners
    radius = [1 if inner is None or k % 2 == 0 else inner for k in range(count)]
    return [(r * math.sin(k * step), -r * math.cos(k * step)) for k, r in enumerate(radius)]


def _heart():
    points = []
    for k in range(60):
        t = 2 * math.pi * k / 60
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((x / 16, -(y + 2) / 16))
    return points


def _crescent(bite):
    """A disc without a second one of the same size, whose centre lies `bite` to the right."""
    half = math.acos(bite / 2)
    outer = numpy.linspace(half, 2 * math.pi - half, 40)
    inner = numpy.linspace(math.pi + half, math.pi - half, 40)
    return ([(math.cos(t), math.sin(t)) for t in outer] +
            [(bite + math.cos(t), math.sin(t)) for t in inner])


def _outline(label, rng):
    """The shape's corners around the origin, within radius 1 or so, and the radius of its hole."""
    if label == "circle":
        return _regular(60), 0
    if label == "ring":
        return _regular(60), rng.uniform(0.5, 0.72)
    if label == "triangle":
        return _regular(3), 0
    if label == "square":
        return _regular(4), 0
    if label == "star":
        return _regular(5, rng.uniform(0.38, 0.5)), 0
    if label == "heart":
        return _heart(), 0
    if label == "crescent":
        return _crescent(rng.uniform(0.55, 0.85)), 0
    if label == "cross":
        a = rng.uniform(0.22, 0.36)
        return [(-a, -1), (a, -1), (a, -a), (1, -a), (1, a), (a, a), (a, 1), (-a, 1), (-a, a),
                (-1, a), (-1, -a), (-a, -a)], 0
    if label == "arrow":
        a = rng.uniform(0.16, 0.28)
        return [(0, -1), (0.75, -0.1), (a, -0.1), (a, 1), (-a, 1), (-a, -0.1), (-0.75, -0.1)], 0
    return [(0.25, -1), (-0.6, 0.15), (-0.08, 0.15), (-0.3, 1), (0.6, -0.25), (0.06, -0.25)], 0


def _colours(rng):
    """A background and a shape colour that a person can tell apart."""
    while True:
        back, front = rng.integers(0, 256, (2, 3))
        if numpy.abs(back - front).sum() > 210:
            return back, front


def _background(rng, width, height, colour):
    """A gradient, stripes or a checker of two neighbouring colours."""
    other = numpy.clip(colour + rng.integers(-45, 46, 3), 0, 255)
    y, x = numpy.mgrid[0:height, 0:width] / min(width, height)
    angle = rng.uniform(0, math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    kind = rng.integers(0, 4)
    if kind == 0:
        mix = numpy.zeros_like(along)
    elif kind == 1:
        mix = (along - along.min()) / (along.max() - along.min())
    elif kind == 2:
        mix = (along * rng.uniform(4, 12)) % 1 > 0.5
    else:
        across = y * math.cos(angle) - x * math.sin(angle)
        cells = rng.uniform(3, 8)
        mix = (numpy.floor(along * cells) + numpy.floor(across * cells)) % 2
    mix = numpy.asarray(mix, float)[..., None]
    return (colour * (1 - mix) + other * mix).astype(numpy.uint8)


def _polygon(draw, points, colour):
    draw.polygon([tuple(map(float, p)) for p in points], fill=tuple(int(c) for c in colour))


def _place_shape(rng, picture, label, front):
    """Draws the turned, squeezed and shifted shape; tells where."""
    width, height = picture.size
    unit = min(width, height)
    points, hole = _outline(label, rng)
    angle = rng.uniform(0, 2 * math.pi)
    turn = numpy.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    squeeze = numpy.diag([1, rng.uniform(0.85, 1)])
    radius = rng.uniform(0.22, 0.36) * unit
    centre = numpy.array([width, height]) / 2 + rng.uniform(-0.1, 0.1, 2) * unit
    place = lambda corners, r: numpy.array(corners) @ squeeze @ turn * r + centre
    mask = Image.new("L", picture.size, 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon([tuple(p) for p in place(points, radius)], fill=255)
    if hole:
        draw.polygon([tuple(p) for p in place(_regular(60), radius * hole)], fill=0)
    shade = _background(rng, width, height, front) if rng.uniform() < 0.3 else None
    paint = Image.fromarray(shade) if shade is not None else Image.new(
        "RGB", picture.size, tuple(int(c) for c in front))
    picture.paste(paint, mask=mask)
    return centre, radius


def _clutter(rng, picture, centre, radius):
    """Up to three thin bars anywhere and, at times, a small blot on the shape's rim."""
    width, height = picture.size
    unit = min(width, height)
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(0, 4)):
        ends = rng.uniform(0, 1, (2, 2)) * [width, height]
        draw.line([tuple(p) for p in ends], fill=tuple(int(c) for c in rng.integers(0, 256, 3)),
                  width=max(1, int(unit * rng.uniform(0.008, 0.02))))
    if rng.uniform() < 0.3:
        angle = rng.uniform(0, 2 * math.pi)
        spot = centre + radius * 0.9 * numpy.array([math.cos(angle), math.sin(angle)])
        blot = numpy.array(_regular(int(rng.integers(4, 8)))) * radius * rng.uniform(0.1, 0.25)
        _polygon(draw, blot + spot, rng.integers(0, 256, 3))


def picture(seed, index, width=SIDE, height=SIDE, label=None):
    """Returns (PIL image of width x height, class number)."""
    rng = numpy.random.Generator(numpy.random.PCG64([seed, index]))
    number = index % len(LABELS) if label is None else LABELS.index(label)
    back, front = _colours(rng)
    fine = Image.fromarray(_background(rng, 2 * width, 2 * height, back))
    centre, radius = _place_shape(rng, fine, LABELS[number], front)
    _clutter(rng, fine, centre, radius)
    coarse = numpy.asarray(fine.resize((width, height), Image.Resampling.BILINEAR), float)
    light = rng.uniform(0.75, 1.1)
    noise = rng.normal(0, rng.uniform(0, 14), coarse.shape)
    return Image.fromarray(numpy.clip(coarse * light + noise, 0, 255).astype(numpy.uint8)), number


def batch(seed, first, count):
    """Returns uint8 pictures [count, 3, SIDE, SIDE] and their class numbers."""
    pairs = [picture(seed, index) for index in range(first, first + count)]
    pixels = numpy.stack([numpy.asarray(image).transpose(2, 0, 1) for image, _ in pairs])
    return pixels, numpy.array([number for _, number in pairs])


def _preview(path):
    sheet = Image.new("RGB", (10 * 2 * SIDE, 8 * 2 * SIDE))
    for index in range(80):
        image, _ = picture(1, index)
        sheet.paste(image.resize((2 * SIDE, 2 * SIDE)),
                    (index % 10 * 2 * SIDE, index // 10 * 2 * SIDE))
    sheet.save(path)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "preview":
        sys.exit(__doc__)
    _preview(sys.argv[2])
