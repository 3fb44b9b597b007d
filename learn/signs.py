"""Signs as pictures: the two classes, and a dozen of things beside a track that are no such sign.

A sign is a square sprite of SIDE pixels, red, green, blue and how much it covers, with an outline: points around it from 0 to 1.
Some sprites are cut from close-up photos (cutouts.json); the rest is drawn.
"""
import collections
import json
import math
import pathlib

import cv2
import numpy as np

import photos

SIDE = 192
FINE = 2 * SIDE  # drawn larger, then made smaller: smooth edges
IGNORE = -1  # may be found or not: neither is wrong

Sprite = collections.namedtuple("Sprite", "pixels outline kind edge")  # kind: class, IGNORE or None for a distractor

YELLOW, BLACK, WHITE, RED, BLUE = (250, 200, 20), (22, 22, 24), (240, 238, 232), (205, 25, 40), (10, 100, 190)
DISC = [(0.5 + 0.48 * math.cos(i * math.pi / 6), 0.5 + 0.48 * math.sin(i * math.pi / 6)) for i in range(12)]
BOARD = [(0.04, 0.04), (0.35, 0.04), (0.65, 0.04), (0.96, 0.04), (0.96, 0.35), (0.96, 0.65), (0.96, 0.96), (0.65, 0.96),
         (0.35, 0.96), (0.04, 0.96), (0.04, 0.65), (0.04, 0.35)]
TRIANGLE = [(0.47, 0.05), (0.53, 0.05), (0.68, 0.32), (0.82, 0.58), (0.965, 0.86), (0.965, 0.91), (0.93, 0.94), (0.5, 0.94),
            (0.07, 0.94), (0.035, 0.91), (0.035, 0.86), (0.27, 0.45)]


def points(values, scale=FINE):
    return (np.array(values) * scale * 16).round().astype(np.int32)


def polygon(image, values, colour):
    cv2.fillPoly(image, [points(values)], colour, cv2.LINE_AA, 4)


def circle(image, x, y, radius, colour):
    cv2.circle(image, (int(x * FINE * 16), int(y * FINE * 16)), int(radius * FINE * 16), colour, -1, cv2.LINE_AA, 4)


def line(image, a, b, width, colour):
    cv2.line(image, tuple(points(a).tolist()), tuple(points(b).tolist()), colour, max(1, int(width * FINE)), cv2.LINE_AA, 4)


def box(image, x0, y0, x1, y1, colour):
    polygon(image, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)


def shrunk(outline, factor, centre=(0.5, 0.5)):
    return [(centre[0] + (x - centre[0]) * factor, centre[1] + (y - centre[1]) * factor) for x, y in outline]


def shade(source, colour, spread=14):
    return tuple(int(np.clip(c + source.normal(0, spread), 0, 255)) for c in colour)


def text(image, words, height, thickness, colour, centre=(0.5, 0.5), font=cv2.FONT_HERSHEY_SIMPLEX, squeeze=1.0):
    """Writes words on their own and pastes them in, narrower where asked."""
    (width, tall), _ = cv2.getTextSize(words, font, 4, 1)
    scale = 4 * height * FINE / tall
    pen = max(1, int(thickness * FINE))
    (width, tall), _ = cv2.getTextSize(words, font, scale, pen)
    mask = np.zeros((tall + 2 * pen + 4, width + 2 * pen), np.uint8)
    cv2.putText(mask, words, (pen, tall + pen), font, scale, 255, pen, cv2.LINE_AA)
    mask = cv2.resize(mask, (max(1, int(mask.shape[1] * squeeze)), mask.shape[0]), interpolation=cv2.INTER_AREA)
    y, x = int(centre[1] * FINE - mask.shape[0] / 2), int(centre[0] * FINE - mask.shape[1] / 2)
    y0, x0 = max(0, y), max(0, x)
    part = mask[y0 - y:FINE - y, x0 - x:FINE - x, None].astype(np.float32) / 255
    under = image[y0:y0 + part.shape[0], x0:x0 + part.shape[1]]
    under[:] = under * (1 - part) + np.array(colour, np.float32) * part


# Pictograms, inside the triangle: black on yellow.

def exclamation(image, source, ink):
    polygon(image, [(0.455, 0.36), (0.545, 0.36), (0.525, 0.68), (0.475, 0.68)], ink)
    circle(image, 0.5, 0.765, 0.045, ink)


def child(image, x, y, size, ink, lean):
    circle(image, x, y, 0.16 * size, ink)
    line(image, (x, y + 0.2 * size), (x + lean * 0.1 * size, y + 0.62 * size), 0.2 * size, ink)
    for side in (-1, 1):
        line(image, (x, y + 0.3 * size), (x + side * 0.33 * size, y + 0.45 * size), 0.09 * size, ink)
        line(image, (x + lean * 0.1 * size, y + 0.6 * size), (x + side * 0.28 * size, y + size), 0.12 * size, ink)


def children(image, source, ink):
    child(image, 0.42, 0.5, 0.34, ink, 1)
    child(image, 0.6, 0.56, 0.28, ink, -1)


def locomotive(image, source, ink):
    box(image, 0.3, 0.58, 0.62, 0.73, ink)
    box(image, 0.56, 0.47, 0.72, 0.73, ink)
    box(image, 0.34, 0.5, 0.39, 0.6, ink)
    for x in (0.34, 0.46, 0.58, 0.68):
        circle(image, x, 0.76, 0.05, ink)
    for i in range(4):
        circle(image, 0.38 + 0.04 * i, 0.47 - 0.03 * i, 0.035 + 0.008 * i, ink)


def works(image, source, ink):
    circle(image, 0.46, 0.42, 0.045, ink)
    line(image, (0.46, 0.48), (0.4, 0.62), 0.085, ink)
    line(image, (0.4, 0.62), (0.46, 0.8), 0.055, ink)
    line(image, (0.4, 0.62), (0.31, 0.8), 0.055, ink)
    line(image, (0.46, 0.5), (0.6, 0.64), 0.045, ink)
    polygon(image, [(0.52, 0.81), (0.66, 0.6), (0.8, 0.81)], ink)


def gate(image, source, ink):
    box(image, 0.3, 0.56, 0.7, 0.6, ink)
    box(image, 0.26, 0.72, 0.74, 0.76, ink)
    for i in range(5):
        box(image, 0.32 + 0.08 * i, 0.5, 0.355 + 0.08 * i, 0.8, ink)


def blank(image, source, ink):
    pass


PICTOGRAMS = (exclamation, children, locomotive, works, gate, blank)


def danger(image, source):
    european = source.random() < 0.06
    face = shade(source, WHITE) if european else shade(source, YELLOW)
    ink = shade(source, BLACK, 8)
    polygon(image, TRIANGLE, face)
    centre = (0.5, 0.64)
    outer, inner = source.uniform(0.8, 0.9), source.uniform(0.6, 0.74)
    polygon(image, shrunk(TRIANGLE, outer, centre), RED if european else ink)
    polygon(image, shrunk(TRIANGLE, inner, centre), face)
    PICTOGRAMS[source.choice(6, p=[0.22, 0.18, 0.18, 0.18, 0.18, 0.06])](image, source, ink)
    return Sprite(image, TRIANGLE, 1, face)


def speed_limit(image, source):
    face, ring = shade(source, WHITE, 8), shade(source, RED)
    circle(image, 0.5, 0.5, 0.48, face)
    rim = source.uniform(0.36, 0.44)
    circle(image, 0.5, 0.5, rim, ring)
    circle(image, 0.5, 0.5, rim - source.uniform(0.035, 0.075), face)
    words = source.choice(["30", "50", "60", "80"], p=[0.42, 0.42, 0.08, 0.08])
    bold = source.random() < 0.5
    text(image, str(words), source.uniform(0.27, 0.36), source.uniform(0.06, 0.085) if bold else source.uniform(0.022, 0.045),
         shade(source, BLACK, 10), squeeze=source.uniform(0.72, 0.95))
    return Sprite(image, DISC, 0, face)


def stop(image, source):
    red, white = shade(source, RED), shade(source, WHITE, 8)
    octagon = [(0.5 + 0.49 * math.cos((i + 0.5) * math.pi / 4), 0.5 + 0.49 * math.sin((i + 0.5) * math.pi / 4)) for i in range(8)]
    if source.random() < 0.35:
        polygon(image, octagon, white)
        polygon(image, shrunk(octagon, 0.92), red)
    else:
        circle(image, 0.5, 0.5, 0.48, white)
        circle(image, 0.5, 0.5, source.uniform(0.41, 0.46), red)
        if source.random() < 0.4:
            polygon(image, shrunk(octagon, 0.72), white)
            polygon(image, shrunk(octagon, 0.68), red)
    if source.random() < 0.9:
        text(image, "STOP", source.uniform(0.2, 0.27), source.uniform(0.02, 0.05), white, squeeze=source.uniform(0.5, 0.7))
    return Sprite(image, DISC, None, white)


def no_entry(image, source):
    white = shade(source, WHITE, 8)
    circle(image, 0.5, 0.5, 0.48, white)
    circle(image, 0.5, 0.5, 0.43, shade(source, RED))
    half = source.uniform(0.055, 0.09)
    box(image, 0.18, 0.5 - half, 0.82, 0.5 + half, white)
    return Sprite(image, DISC, None, white)


def blue_round(image, source):
    white = shade(source, WHITE, 8)
    circle(image, 0.5, 0.5, 0.48, white)
    circle(image, 0.5, 0.5, 0.44, shade(source, BLUE))
    if source.random() < 0.5:
        box(image, 0.25, 0.45, 0.75, 0.62, white)
        polygon(image, [(0.32, 0.46), (0.38, 0.34), (0.62, 0.34), (0.68, 0.46)], white)
    else:
        for x in (0.32, 0.68):
            circle(image, x, 0.58, 0.13, white)
            circle(image, x, 0.58, 0.1, shade(source, BLUE, 4))
        line(image, (0.32, 0.58), (0.45, 0.38), 0.035, white)
        line(image, (0.45, 0.38), (0.68, 0.58), 0.035, white)
    return Sprite(image, DISC, None, white)


def parking(image, source):
    white = shade(source, WHITE, 8)
    polygon(image, BOARD, white)
    polygon(image, shrunk(BOARD, 0.9), shade(source, BLUE))
    text(image, "P", 0.5, 0.08, white)
    return Sprite(image, BOARD, None, white)


def crossing(image, source):
    white = shade(source, WHITE, 8)
    polygon(image, BOARD, white)
    polygon(image, shrunk(BOARD, 0.9), shade(source, BLUE))
    polygon(image, [(0.5, 0.18), (0.84, 0.82), (0.16, 0.82)], white)
    child(image, 0.5, 0.42, 0.36, BLACK, 1)
    return Sprite(image, BOARD, None, white)


def bus_stop(image, source):
    white, blue = shade(source, WHITE, 8), shade(source, BLUE)
    polygon(image, BOARD, white)
    box(image, 0.08, 0.08, 0.92, 0.92, blue)
    box(image, 0.14, 0.13, 0.86, 0.58, white)
    box(image, 0.24, 0.2, 0.78, 0.46, BLACK)
    box(image, 0.28, 0.25, 0.74, 0.34, white)
    text(image, "BUS STOP", 0.13, 0.02, white, (0.5, 0.75), squeeze=0.55)
    return Sprite(image, BOARD, None, white)


def no_horn(image, source):
    white, red = shade(source, WHITE, 8), shade(source, RED)
    square = source.random() < 0.7
    if square:
        polygon(image, BOARD, white)
    else:
        circle(image, 0.5, 0.5, 0.48, white)
    circle(image, 0.5, 0.5, 0.4, red)
    circle(image, 0.5, 0.5, 0.34, white)
    polygon(image, [(0.3, 0.52), (0.6, 0.47), (0.7, 0.38), (0.7, 0.66), (0.6, 0.57), (0.3, 0.55)], BLACK)
    line(image, (0.24, 0.26), (0.76, 0.74), 0.055, red)
    return Sprite(image, BOARD if square else DISC, None, white)


def traffic_light(image, source):
    case = shade(source, YELLOW) if source.random() < 0.6 else shade(source, BLACK)
    outline = [(0.25 + 0.5 * x, y) for x, y in BOARD]
    polygon(image, outline, case)
    for y, colour in ((0.28, (230, 40, 30)), (0.72, (40, 200, 80))):
        circle(image, 0.5, y, 0.19, BLACK)
        circle(image, 0.5, y, 0.16, shade(source, colour))
        child(image, 0.5, y - 0.08, 0.2, BLACK, 1)
    return Sprite(image, outline, None, case)


def back(image, source):
    """A plain plate with the clip that holds it: how the far side of every sign looks."""
    shape = source.choice(3, p=[0.6, 0.2, 0.2])
    outline = (DISC, BOARD, TRIANGLE)[shape]
    face = shade(source, YELLOW if shape == 2 else WHITE, 18)
    polygon(image, outline, face)
    polygon(image, shrunk(outline, 0.88), tuple(int(c * source.uniform(0.82, 0.97)) for c in face))
    if source.random() < 0.85:
        dark = shade(source, (40, 40, 44))
        line(image, (0.5, source.uniform(0.35, 0.5)), (0.5, 0.98), 0.14, dark)
        box(image, 0.36, 0.42, 0.64, 0.6, dark)
    return Sprite(image, outline, IGNORE if shape == 2 else None, face)


def blank_board(image, source):
    outline = (DISC, BOARD)[source.integers(2)]
    face = tuple(int(c) for c in source.integers(0, 256, 3))
    if source.random() < 0.4:
        face = shade(source, (RED, BLUE, (90, 160, 60), WHITE)[source.integers(4)], 20)
    polygon(image, outline, face)
    if source.random() < 0.4:
        polygon(image, shrunk(outline, source.uniform(0.5, 0.9)), tuple(int(c) for c in source.integers(0, 256, 3)))
    return Sprite(image, outline, None, face)


DISTRACTORS = (stop, no_entry, blue_round, parking, crossing, bus_stop, no_horn, traffic_light, back, blank_board)
SHARES = (0.26, 0.13, 0.07, 0.06, 0.06, 0.05, 0.08, 0.06, 0.17, 0.06)


def draw(source, maker):
    """Returns a sprite with its coverage in the fourth channel."""
    sprite = maker(np.full((FINE, FINE, 3), 128, np.uint8), source)
    cover = np.zeros((FINE, FINE), np.uint8)
    cv2.fillPoly(cover, [points(sprite.outline)], 255, cv2.LINE_AA, 4)
    if sprite.outline is DISC:
        cover[:] = 0
        circle(cover, 0.5, 0.5, 0.48, 255)
    pixels = cv2.resize(np.dstack([sprite.pixels, cover]), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return sprite._replace(pixels=pixels)


def random_sprite(source, cut=()):
    """One of the two classes half of the time. cut: sprites from photos, taken now and then instead of drawing."""
    kind = (None, 0, 1)[source.choice(3, p=[0.36, 0.28, 0.36])]
    matching = [sprite for sprite in cut if sprite.kind == kind]
    if matching and source.random() < 0.4:
        return matching[source.integers(len(matching))]
    if kind is None:
        return draw(source, DISTRACTORS[source.choice(len(DISTRACTORS), p=SHARES)])
    return draw(source, (speed_limit, danger)[kind])


def cut_from(folder, names):
    """Sprites from the close-up photos named in cutouts.json, of those among names."""
    found = []
    shapes = {"disc": DISC, "board": BOARD, "triangle": TRIANGLE}
    for entry in json.loads((pathlib.Path(__file__).parent / "cutouts.json").read_text()):
        if entry["file"] not in names:
            continue
        image = photos.read(folder / "images" / entry["file"])
        x0, y0, x1, y1 = entry["box"]
        outline = shapes[entry["shape"]]
        (left, top), (right, bottom) = np.min(outline, 0), np.max(outline, 0)
        # The photo's box holds the outline; the sprite has its small margin around it.
        to = np.float32([(left, top), (right, top), (left, bottom)]) * SIDE
        turn = cv2.getAffineTransform(np.float32([(x0, y0), (x1, y0), (x0, y1)]), to)
        pixels = cv2.warpAffine(image, turn, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        cover = np.zeros((SIDE, SIDE), np.uint8)
        cv2.fillPoly(cover, [points(shrunk(outline, 0.98), SIDE)], 255, cv2.LINE_AA, 4)
        if outline is DISC:
            cv2.circle(cover, (SIDE // 2, SIDE // 2), int(0.472 * SIDE), 255, -1, cv2.LINE_AA)
        edge = WHITE if entry["shape"] != "triangle" else YELLOW
        found.append(Sprite(np.dstack([pixels, cover]), outline, entry["class"], edge))
    return found
