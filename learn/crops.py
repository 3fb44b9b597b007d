"""Crops to train on: cut, turned and scaled from stored pictures, with a camera's faults put on each anew, and what every cell
of the network's heads should say. One thread makes several hundred a second."""
import json
import math
import pathlib

import cv2
import numpy as np

import network

SIDE = 256
STRETCH = network.INPUT[0] / 640, network.INPUT[1] / 480  # what stretching a photo to the input does
KEPT = 0.4  # of a sign's box: less inside the crop, and it is passed over
BACKGROUND, IGNORED = -1, -2  # of a cell; otherwise the class
# Signs up to (and from) these sizes in pixels belong to the head at stride 4 (8); somewhat beyond, the head may say what it likes.
SMALL, SMALL_AT_MOST, LARGE, LARGE_AT_LEAST = 40, 56, 20, 13


class Pictures:
    """A folder that generate.py wrote."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.images = np.load(folder / "images.npy", mmap_mode="r")
        told = json.loads((folder / "labels.json").read_text())
        self.real = told["real"]
        self.signs = [[(kind, np.array(outline, np.float32)) for kind, outline in picture] for picture in told["signs"]]


def matrix(source, signs, image_size):
    """Source pixels to crop pixels."""
    scale = math.exp(source.uniform(math.log(0.6), math.log(1.65)))
    aspect = math.exp(source.normal(0, 0.05))
    angle = math.radians(source.uniform(-35, 35) if source.random() < 0.22 else source.normal(0, 5))
    wanted = [outline for kind, outline in signs if kind >= 0]
    width, height = image_size
    if wanted and source.random() < 0.8:
        outline = wanted[source.integers(len(wanted))]
        size = math.sqrt(np.prod(np.ptp(outline, 0) * STRETCH))
        if size * scale > 150:
            scale = 150 / size * source.uniform(0.5, 1)
        middle = outline.mean(0)
        at = source.uniform(0.06, 0.94, 2) * SIDE
    else:
        middle = source.uniform(0.15, 0.85, 2) * (width, height)
        at = np.array([SIDE / 2, SIDE / 2])
    c, s = math.cos(angle), math.sin(angle)
    turn = np.array([[c, -s], [s, c]]) * scale @ np.diag([STRETCH[0] * aspect, STRETCH[1] / aspect])
    if source.random() < 0.8:  # little of what is beyond the picture's border
        centre = middle + np.linalg.inv(turn) @ (SIDE / 2 - at)
        half = np.minimum(0.42 * SIDE / scale / np.array(STRETCH), (width / 2, height / 2))
        centre = np.clip(centre, half, (width, height) - half)
        return np.column_stack([turn, SIDE / 2 - turn @ centre])
    return np.column_stack([turn, at - turn @ middle])


def soft(source, low, high):
    return cv2.resize(source.uniform(low, high, (3, 3)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


class Camera:
    """A camera's faults."""

    def __init__(self, source):
        self.noise = (source.normal(0, 1, (2 * SIDE, 2 * SIDE, 3)) * 16).astype(np.int16)
        self.ramp = np.arange(256) / 255

    def tone(self, source):
        kind = source.random()
        gain = source.uniform(0.75, 1.25)
        if kind < 0.17:
            gain = source.uniform(1.25, 2.3)
        elif kind < 0.36:
            gain = source.uniform(0.3, 0.75)
        cast = np.ones(3)
        if source.random() < 0.4:
            cast = np.exp(source.normal(0, 0.16, 3))
        gamma = math.exp(source.normal(0, 0.2))
        lift = source.uniform(0, 0.25) if source.random() < 0.15 else 0
        curve = lift + (1 - lift) * gain * self.ramp[:, None] ** gamma * cast
        return np.clip(curve * 255, 0, 255).astype(np.uint8).reshape(256, 1, 3)

    def __call__(self, image, source):
        draw = source.random(8)
        if draw[0] < 0.25:
            amount = source.uniform(0.2, 1.4)
            weights = np.full((3, 3), (1 - amount) / 3) + np.eye(3) * amount
            image = cv2.transform(image, weights)
        if draw[1] < 0.3:
            image = cv2.multiply(image, cv2.merge([soft(source, 0.45, 1.5)] * 3), dtype=cv2.CV_8U)
        image = cv2.LUT(image, self.tone(source))
        if draw[2] < 0.25:
            image = cv2.GaussianBlur(image, (0, 0), source.uniform(0.4, 1.5))
        elif draw[2] < 0.38:
            length = int(source.integers(3, 9))
            kernel = np.zeros((length, length), np.float32)
            angle = source.normal(0, 0.5)
            reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
            middle = np.array([length / 2 - 0.5] * 2)
            cv2.line(kernel, tuple((middle - reach).round().astype(int).tolist()), tuple((middle + reach).round().astype(int).tolist()), 1)
            image = cv2.filter2D(image, -1, kernel / kernel.sum())
        elif draw[2] < 0.5:
            image = cv2.addWeighted(image, 1.8, cv2.GaussianBlur(image, (0, 0), 1.2), -0.8, 0)  # sharpened, as phones do
        if draw[3] < 0.08:
            small = cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
            image = cv2.resize(small, (SIDE, SIDE))
        if draw[4] < 0.35:
            x, y = source.integers(0, SIDE, 2)
            image = cv2.addWeighted(image, 1, self.noise[y:y + SIDE, x:x + SIDE], source.uniform(0.1, 0.9), 0, dtype=cv2.CV_8U)
        if draw[5] < 0.25:
            told, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(source.integers(25, 92))])
            image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return image


def cell_targets(boxes):
    """boxes: [(kind, left, top, right, bottom)] in crop pixels. For every cell of every head its class and its box."""
    kinds, corners = [], []
    for head in network.HEADS:
        n, stride = SIDE // head.stride, head.stride
        kind, corner = np.full((n, n), BACKGROUND, np.int8), np.zeros((n, n, 4), np.float32)

        def cells(x0, y0, x1, y1):
            """Those whose middle is inside."""
            first, last = np.ceil(np.array([x0, y0]) / stride - 0.5), np.ceil(np.array([x1, y1]) / stride - 0.5)
            (ax, ay), (bx, by) = first.clip(0, n).astype(int), last.clip(0, n).astype(int)
            return slice(ay, by), slice(ax, bx)

        for c, x0, y0, x1, y1 in boxes:
            if c < 0:
                kind[cells(x0 - 2, y0 - 2, x1 + 2, y1 + 2)] = IGNORED
        for c, x0, y0, x1, y1 in sorted((b for b in boxes if b[0] >= 0), key=lambda b: -(b[3] - b[1]) * (b[4] - b[2])):
            size = math.sqrt((x1 - x0) * (y1 - y0))
            mine = size <= SMALL if stride == 4 else size >= LARGE
            unclear = size <= SMALL_AT_MOST if stride == 4 else size >= LARGE_AT_LEAST
            x, y, reach = (x0 + x1) / 2, (y0 + y1) / 2, 1.5 * stride
            middle = cells(max(x0, x - reach), max(y0, y - reach), min(x1, x + reach), min(y1, y + reach))
            if mine:
                kind[middle], corner[middle] = c, (x0, y0, x1, y1)
            elif unclear:
                kind[middle] = IGNORED
        kinds.append(kind.ravel())
        corners.append(corner.reshape(-1, 4))
    return np.concatenate(kinds), np.concatenate(corners)


def boxes_of(signs, turn):
    found = []
    for kind, outline in signs:
        moved = outline @ turn[:, :2].T + turn[:, 2]
        low, high = moved.min(0), moved.max(0)
        a, b = low.clip(0, SIDE), high.clip(0, SIDE)
        if (b - a).min() <= 0:
            continue
        kept = np.prod(b - a) / np.prod(high - low)
        if kept < KEPT or (b - a).min() < 4 or np.prod(b - a) < 49:
            kind = IGNORED
        found.append((kind if kind >= 0 else IGNORED, *a, *b))
    return found


def crop(pictures, number, source, camera):
    image, signs = pictures.images[number], pictures.signs[number]
    turn = matrix(source, signs, image.shape[1::-1])
    if source.random() < 0.25:
        turn[0] = -turn[0]
        turn[0, 2] += SIDE
    # OpenCV's pixel centres are whole numbers, ours are halves.
    centred = turn.copy()
    centred[:, 2] += turn[:, :2] @ (0.5, 0.5) - 0.5
    pixels = cv2.warpAffine(image, centred, (SIDE, SIDE), flags=cv2.INTER_LINEAR,
                            borderValue=tuple(int(v) for v in source.integers(0, 256, 3)))
    return camera(pixels, source), boxes_of(signs, turn)


def batches(shares, size, seed, first=0):
    """Endless batches from {folder: share}; a folder named `real:FOLDER` gives its photos alone. first: batches to leave out."""
    opened, pools = {}, []
    for name, share in shares.items():
        folder = name.removeprefix("real:")
        pictures = opened.setdefault(folder, Pictures(folder))
        start, count = pictures.real if name.startswith("real:") else (0, len(pictures.signs))
        if not count:
            raise SystemExit(f"{folder}: no photos in it")
        pools.append((pictures, start, count, share))
    odds = np.array([pool[3] for pool in pools]) / sum(pool[3] for pool in pools)
    camera = Camera(np.random.default_rng(seed))
    cv2.setNumThreads(1)
    number = first
    while True:
        source = np.random.default_rng((seed, number))
        number += 1
        images, kinds, corners = [], [], []
        for _ in range(size):
            pictures, start, count, _ = pools[source.choice(len(pools), p=odds)]
            image, boxes = crop(pictures, start + int(source.integers(count)), source, camera)
            kind, corner = cell_targets(boxes)
            images.append(image)
            kinds.append(kind)
            corners.append(corner)
        yield np.stack(images), np.stack(kinds), np.stack(corners)
