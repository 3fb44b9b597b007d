"""Pictures with signs: procedural rooms with a toy track, and signs set into any picture.

Everything is 640x480, as the photos are. The camera's own faults (exposure, casts, blur, noise, JPEG) come later, at every crop
anew (crops.py); here is what belongs to a place or to one sign: light, glare, defocus, haze, what stands in front of what.
"""
import math

import cv2
import numpy as np

import signs

WIDTH, HEIGHT = 640, 480
OUTLINE = 12  # points
SEEN_ENOUGH = 0.45  # of a sign, to be labelled; less is passed over


def smooth(source, low, high, cells=4, shape=(HEIGHT, WIDTH)):
    """A soft random map between two values."""
    grid = source.uniform(low, high, (source.integers(2, cells + 1), source.integers(2, cells + 1))).astype(np.float32)
    return cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)


def colour(source, low=0, high=256):
    return tuple(int(c) for c in source.integers(low, high, 3))


def grey(source, low, high, tint=12):
    base = source.uniform(low, high)
    return tuple(int(np.clip(base + source.normal(0, tint), 0, 255)) for _ in range(3))


def fabric(image, source):
    """Cloth in strong colours: yellow and red patches on blue have been taken for signs."""
    x0, y0 = source.integers(-60, WIDTH - 40), source.integers(-40, HEIGHT - 80)
    w, h = source.integers(60, 260), source.integers(100, 360)
    patch = np.full((h, w, 3), colour(source), np.uint8)
    palette = [colour(source) for _ in range(2)] + [signs.shade(source, signs.YELLOW, 25), signs.shade(source, signs.RED, 25)]
    for _ in range(source.integers(6, 22)):
        at = np.array([source.uniform(0, w), source.uniform(0, h)])
        ink = palette[source.integers(4)]
        if source.random() < 0.5:
            cv2.ellipse(patch, at.astype(int).tolist(), (int(source.integers(4, 45)), int(source.integers(3, 25))),
                        source.uniform(0, 360), 0, 360, ink, -1, cv2.LINE_AA)
        else:
            cv2.fillPoly(patch, [(at + source.normal(0, 22, (source.integers(3, 7), 2))).astype(np.int32)], ink, cv2.LINE_AA)
    ax, ay, bx, by = max(0, x0), max(0, y0), min(WIDTH, x0 + w), min(HEIGHT, y0 + h)
    image[ay:by, ax:bx] = patch[ay - y0:by - y0, ax - x0:bx - x0]


def furniture(image, source, horizon):
    for _ in range(source.integers(3, 12)):
        x, y = source.integers(-40, WIDTH), source.integers(-60, max(1, horizon))
        w, h = source.integers(8, 240), source.integers(8, 260)
        tone = grey(source, 30, 250) if source.random() < 0.5 else colour(source)
        kind = source.random()
        if kind < 0.45:
            cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), tone, -1 if source.random() < 0.6 else int(source.integers(1, 12)))
        elif kind < 0.6:
            cv2.ellipse(image, (int(x), int(y)), (int(w // 2 + 2), int(h // 2 + 2)), source.uniform(0, 180), 0, 360, tone,
                        -1 if source.random() < 0.6 else int(source.integers(1, 9)), cv2.LINE_AA)
        elif kind < 0.8:
            step = int(source.integers(6, 28))
            for i in range(0, int(w), step):
                cv2.line(image, (int(x + i), int(y)), (int(x + i), int(y + h)), tone, int(source.integers(1, 5)))
        else:
            cv2.fillPoly(image, [(np.array([x, y]) + source.normal(0, 70, (source.integers(3, 6), 2))).astype(np.int32)], tone, cv2.LINE_AA)


def track(image, source, horizon):
    """Two rails on sleepers, bending away to the horizon."""
    start, bend, end = source.uniform(0, WIDTH), source.normal(0, 330), source.uniform(80, WIDTH - 80)
    tone, dark = grey(source, 60, 190), grey(source, 30, 120)
    depth = np.linspace(0, 1, 48) ** 0.6
    y = HEIGHT + 30 - depth * (HEIGHT + 20 - horizon)
    middle = start + (end - start) * depth + bend * depth * (1 - depth) * 0.9 + bend * 0.4 * depth ** 3
    half = (1 - depth) * source.uniform(70, 150) + 7
    for i in range(len(y) - 2, -1, -1):
        if i % 3 == 0:
            tall = max(1, int((1 - depth[i]) * 22))
            cv2.line(image, (int(middle[i] - half[i] * 1.3), int(y[i])), (int(middle[i] + half[i] * 1.3), int(y[i])), tone, tall, cv2.LINE_AA)
        for side in (-1, 1):
            cv2.line(image, (int(middle[i] + side * half[i]), int(y[i])), (int(middle[i + 1] + side * half[i + 1]), int(y[i + 1])),
                     dark if source.random() < 0.15 else tone, max(1, int((1 - depth[i]) * 14)), cv2.LINE_AA)


def room(source):
    horizon = int(source.uniform(0.15, 0.75) * HEIGHT)
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:] = grey(source, 90, 250, 10) if source.random() < 0.85 else colour(source)
    furniture(image, source, horizon)
    if source.random() < 0.5:
        fabric(image, source)
    if source.random() < 0.35:  # a window or a lamp
        x, y = source.integers(0, WIDTH), source.integers(-60, max(1, horizon))
        glow = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.rectangle(glow, (int(x), int(y)), (int(x + source.integers(10, 150)), int(y + source.integers(30, 200))), 255, -1)
        glow = cv2.resize(cv2.GaussianBlur(cv2.resize(glow, (160, 120)), (0, 0), source.uniform(1, 12)), (WIDTH, HEIGHT))
        image = cv2.add(image, cv2.merge([glow] * 3))
    table = grey(source, 15, 90, 8) if source.random() < 0.6 else grey(source, 60, 230, 25)
    tilt = source.normal(0, 25)
    shift = source.normal(0, 60)
    cv2.fillPoly(image, [np.array([(-50, horizon + tilt + max(0, shift)), (WIDTH * source.uniform(0, 0.5), horizon + tilt),
                                   (WIDTH + 50, horizon - tilt), (WIDTH + 50, HEIGHT + 50), (-50, HEIGHT + 50)]).astype(np.int32)],
                 table, cv2.LINE_AA)
    if source.random() < 0.8:
        track(image, source, horizon)
    if source.random() < 0.15:
        fabric(image, source)
    if source.random() < 0.5:
        image = cv2.GaussianBlur(image, (0, 0), source.uniform(0.5, 3))
    texture = source.normal(0, source.uniform(0, 9), (HEIGHT // 2, WIDTH // 2, 1)).astype(np.float32)
    light = smooth(source, 0.5, 1.35)[..., None]
    image = image * light + cv2.resize(texture, (WIDTH, HEIGHT))[..., None]
    return np.clip(image, 0, 255).astype(np.uint8), horizon


def pose(source, size, x, y):
    """Homography from the sprite (0 to 1) to the picture, and the same for its far side."""
    yaw = math.radians(np.clip(source.normal(0, 26) if source.random() < 0.8 else source.uniform(-76, 76), -78, 78))
    pitch, roll = math.radians(source.normal(0, 8)), math.radians(source.normal(0, 7))
    if source.random() < 0.08:
        roll += math.radians(source.uniform(-35, 35))
    c, s = math.cos, math.sin
    turn = np.array([[c(yaw), 0, s(yaw)], [0, 1, 0], [-s(yaw), 0, c(yaw)]])
    turn = np.array([[1, 0, 0], [0, c(pitch), -s(pitch)], [0, s(pitch), c(pitch)]]) @ turn
    turn = np.array([[c(roll), -s(roll), 0], [s(roll), c(roll), 0], [0, 0, 1]]) @ turn
    distance = source.uniform(3.5, 9)
    corners = np.array([(-.5, -.5), (.5, -.5), (.5, .5), (-.5, .5)])
    found = []
    for depth in (0, source.uniform(0.04, 0.11)):
        solid = np.column_stack([corners, np.full(4, depth)]) @ turn.T
        flat = solid[:, :2] * (distance / (distance + solid[:, 2:]))
        found.append(cv2.getPerspectiveTransform(np.float32(corners + .5), np.float32(flat * size + (x, y))))
    return found


def around(outline):
    """OUTLINE points evenly along a closed polygon."""
    closed = np.vstack([outline, outline[:1]])
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    at = np.linspace(0, along[-1], OUTLINE, endpoint=False)
    return np.column_stack([np.interp(at, along, closed[:, 0]), np.interp(at, along, closed[:, 1])])


def through(homography, outline):
    return cv2.perspectiveTransform(np.float32(outline)[None], homography)[0]


def light_on(source, front):
    """What one sign gets of the room's light: dim, shaded to one side, washed out by glare, tinted."""
    out = front[..., :3].astype(np.float32)
    gain = source.uniform(0.75, 1.15)
    kind = source.random()
    if kind < 0.25:
        gain = source.uniform(0.18, 0.6)  # against the light
    elif kind < 0.37:
        gain = source.uniform(1.2, 2.2)  # over-exposed
    out *= gain * smooth(source, 0.75, 1.2, 2, out.shape[:2])[..., None]
    if source.random() < 0.25:
        glare = np.clip(smooth(source, -0.6, 0.9, 3, out.shape[:2]), 0, 0.85)[..., None]
        out = out * (1 - glare) + np.float32(signs.shade(source, (235, 232, 225), 12)) * glare
    if source.random() < 0.25:
        out *= source.uniform(0.75, 1.25, 3).astype(np.float32)
    if source.random() < 0.3:
        mean = out.mean(2, keepdims=True)
        out = mean + (out - mean) * source.uniform(0.3, 1)
    front[..., :3] = np.clip(out, 0, 255)


def stand(image, source, size, x, foot_from, roll_x):
    """The pole and its foot."""
    length, width = size * source.uniform(1.1, 2.6), max(1, size * source.uniform(0.09, 0.15))
    dark = grey(source, 10, 60, 6)
    top, bottom = (x, foot_from), (x + roll_x * length, foot_from + length)
    scale = 16
    cv2.line(image, tuple(int(v * scale) for v in top), tuple(int(v * scale) for v in bottom), dark, int(max(1, round(width))), cv2.LINE_AA, 4)
    half, tall = size * source.uniform(0.35, 0.5), size * source.uniform(0.08, 0.25)
    bx, by = bottom
    plate = np.array([(bx - half, by), (bx - half * 0.7, by - tall), (bx + half, by - tall), (bx + half * 1.1, by)])
    cv2.fillPoly(image, [(plate * scale).astype(np.int32)], grey(source, 50, 160, 6), cv2.LINE_AA, 4)


def place(image, covered, number, sprite, source, size, x, y):
    """Draws a sign with its middle at x, y; writes its number to what it covers. Returns its outline in the picture."""
    near, far = pose(source, size, x, y)
    outline = around(np.array(sprite.outline))
    front, behind = through(near, outline), through(far, outline)
    hull = cv2.convexHull(np.float32(np.vstack([front, behind])))[:, 0]
    margin = 4
    x0, y0 = np.floor(hull.min(0) - margin).astype(int)
    x1, y1 = np.ceil(hull.max(0) + margin).astype(int)
    low, high = front[np.argmax(front[:, 1])], front[np.argmin(front[:, 1])]
    lean = np.clip((low[0] - high[0]) / max(1, low[1] - high[1]), -0.7, 0.7) if len(sprite.outline) == 12 else 0
    if source.random() < 0.92:
        stand(image, source, size, (front[:, 0].mean() + behind[:, 0].mean()) / 2 + lean * size * 0.2, front[:, 1].max() - 0.06 * size, lean * 0.4)
    ax, ay, bx, by = max(0, x0), max(0, y0), min(WIDTH, x1), min(HEIGHT, y1)
    if ax >= bx or ay >= by:
        return None
    w, h = bx - ax, by - ay
    move = np.array([[1, 0, -ax], [0, 1, -ay], [0, 0, 1]], float)
    scale = 1
    pixels = sprite.pixels
    while pixels.shape[0] > 2.2 * size and pixels.shape[0] > 12:
        pixels = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    scale = pixels.shape[0]
    warp = move @ near @ np.diag([1 / scale, 1 / scale, 1])
    layer = cv2.warpPerspective(pixels, warp, (w, h), flags=cv2.INTER_LINEAR)
    plate = np.zeros((h, w), np.uint8)
    cv2.fillPoly(plate, [((hull - (ax, ay)) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    body = np.empty((h, w, 4), np.uint8)
    body[..., :3] = tuple(int(c * source.uniform(0.45, 0.9)) for c in sprite.edge)
    body[..., 3] = plate
    cover = layer[..., 3:].astype(np.float32) / 255
    body[..., :3] = body[..., :3] * (1 - cover) + layer[..., :3] * cover
    light_on(source, body)
    alpha = body[..., 3].astype(np.float32) / 255
    if source.random() < 0.35:  # out of focus, or moving
        blur = source.uniform(0.3, 0.05 * size + 0.5)
        wide = (0, 0)
        across = blur * (source.uniform(1, 2.5) if source.random() < 0.4 else 1)
        colours = body[..., :3].astype(np.float32) * alpha[..., None]
        colours, alpha = cv2.GaussianBlur(colours, wide, across, sigmaY=blur), cv2.GaussianBlur(alpha, wide, across, sigmaY=blur)
    else:
        colours = body[..., :3] * alpha[..., None]
    opacity = 1 if source.random() < 0.9 else source.uniform(0.6, 1)
    under = image[ay:by, ax:bx]
    under[:] = np.clip(under * (1 - opacity * alpha[..., None]) + opacity * colours, 0, 255)
    covered[ay:by, ax:bx][plate > 127] = number
    return around(hull)


def how_many_and_large(source):
    """Sizes in pixels of 640x480, small ones first: they stand behind. Small signs are what is hard, so there are many."""
    count = source.integers(2, 9)
    sizes = np.exp(source.uniform(math.log(11), math.log(48), count))
    if source.random() < 0.25:
        sizes[0] = np.exp(source.uniform(math.log(45), math.log(150)))
    return sorted(sizes)


def larger(outline, margin):
    """With a box that is that many pixels larger on each side."""
    low, high = outline.min(0), outline.max(0)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1)
    return middle + (outline - middle) * (half + margin) / half


def populate(image, source, horizon, cut, margin, taken=()):
    """Sets signs into a picture; returns [(kind, outline)]. margin: pixels by which labels are larger than signs.
    taken: outlines of real signs that may not be hidden."""
    covered = np.full((HEIGHT, WIDTH), -1, np.int16)
    placed = []
    for size in how_many_and_large(source):
        sprite = signs.random_sprite(source, cut)
        for _ in range(8):
            x = source.uniform(-0.1 * size, WIDTH + 0.1 * size)
            y = horizon + source.normal(0, 25) + size * source.uniform(-0.8, 2.2) if source.random() < 0.75 else source.uniform(0, HEIGHT)
            room_for = size * 1.0
            if y < HEIGHT + size * 0.2 and not any(
                    o[:, 0].min() - room_for < x < o[:, 0].max() + room_for and
                    o[:, 1].min() - 3.2 * room_for < y < o[:, 1].max() + room_for for o in taken):
                break
        else:
            continue
        outline = place(image, covered, len(placed), sprite, source, size, x, y)
        if outline is None:
            outline = np.zeros((OUTLINE, 2))
        placed.append((sprite.kind, outline))
    found = []
    for number, (kind, outline) in enumerate(placed):
        if kind is None or not outline.any():
            continue
        # A sign may be cut by the border, which crops.py judges; here only what stands in front counts.
        inside = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillPoly(inside, [outline.round().astype(np.int32)], 1)
        total = np.count_nonzero(inside)
        seen = np.count_nonzero(covered[inside > 0] == number)
        if total:
            found.append((kind if seen >= SEEN_ENOUGH * total else signs.IGNORE, larger(outline, margin)))
    return found


def haze(image, source):
    if source.random() < 0.12:
        amount = np.clip(smooth(source, 0, 0.5), 0, 0.6)[..., None]
        image[:] = image * (1 - amount) + np.float32(grey(source, 170, 250)) * amount


def scene(source, cut, margin):
    image, horizon = room(source)
    found = populate(image, source, horizon, cut, margin)
    haze(image, source)
    return image, found


def real_outlines(labels):
    """Outlines of labelled signs, guessed from their boxes: an ellipse, a triangle."""
    found = []
    for kind, x0, y0, x1, y1 in labels:
        shape = around(np.array({0: signs.DISC, 1: signs.TRIANGLE}.get(kind, signs.BOARD)))
        low, high = shape.min(0), shape.max(0)
        found.append((kind, (shape - low) / (high - low) * (x1 - x0, y1 - y0) + (x0, y0)))
    return found


def enriched(photo, labels, source, cut, margin):
    """A photo with more signs in it; the real ones stay, and stay labelled."""
    image, real = photo.copy(), real_outlines(labels)
    if source.random() < 0.5:  # as seen in a mirror; figures are no longer right, but the shapes are
        image = np.ascontiguousarray(image[:, ::-1])
        real = [(kind, outline * (-1, 1) + (WIDTH, 0)) for kind, outline in real]
    added = populate(image, source, source.uniform(0.2, 0.8) * HEIGHT, cut, margin, [outline for _, outline in real])
    haze(image, source)
    return image, real + added
