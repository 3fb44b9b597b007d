#!/usr/bin/env python3
"""Judges a model through the C program, on photos with labels: `images/` and `labels/` beside each other.

    learn/evaluate.py --photos ../shared/lego-signs [--model FILE] [--only LIST] [--sheet misses.png] [--json FILE]

Average precision over all points (VOC) at an overlap of one half, for each class and their mean; precision and recall at the
confidence with the best F1 and at the model's own; recall by size. What lies on an ignore box counts neither way. Needs Python
alone; --sheet needs OpenCV.
"""
import argparse
import collections
import json
import math
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OVERLAP, LOWEST = 0.5, 0.01
CLASSES = ("SpeedLimit", "DangerAhead")
SIZES = (14, 18, 24, 32, 48, math.inf)  # pixels in a frame of 600x400

Sign = collections.namedtuple("Sign", "photo kind box size")
Found = collections.namedtuple("Found", "photo kind box confidence")


def overlap(a, b):
    """Intersection over union, and how much of a lies in b; boxes are left, top, right, bottom."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    common = max(0, width) * max(0, height)
    first, second = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return common / (first + second - common), common / first


def read_boxes(path, width, height):
    """[(class or None, box)] from lines `class cx cy w h` or `cx cy w h`."""
    found = []
    for line in path.read_text().splitlines() if path.exists() else ():
        *kind, x, y, w, h = (float(word) for word in line.split())
        found.append((int(kind[0]) if kind else None, ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width,
                                                       (y + h / 2) * height)))
    return found


def detect(program, model, photos, confidence):
    """The program's lines, a dictionary for each photo."""
    asked = [program, "detect", *(["--model", model] if model else []), *(["--min-confidence", str(confidence)] if confidence else [])]
    told = subprocess.run([*asked, *photos], capture_output=True, text=True)
    if told.returncode != 0:
        sys.exit(f"{program}: {told.stderr}{[line for line in told.stdout.splitlines() if 'error' in line]}")
    return [json.loads(line) for line in told.stdout.splitlines()]


def found_in(lines):
    return [Found(pathlib.Path(line["file"]).name, one["class_id"], (one["box"][0], one["box"][1], one["box"][0] + one["box"][2],
                                                                    one["box"][1] + one["box"][3]), one["confidence"])
            for line in lines for one in line["detections"]]


def labelled(folder, lines):
    signs, ignored = [], collections.defaultdict(list)
    for line in lines:
        name, width, height = pathlib.Path(line["file"]).name, line["width"], line["height"]
        stem = folder / "labels" / pathlib.Path(name).stem
        for kind, box in read_boxes(stem.with_name(stem.name + ".txt"), width, height):
            size = math.sqrt((box[2] - box[0]) / width * 600 * (box[3] - box[1]) / height * 400)
            signs.append(Sign(name, kind, box, size))
        ignored[name] = [box for _, box in read_boxes(stem.with_name(stem.name + ".ignore.txt"), width, height)]
    return signs, ignored


def match(found, signs, ignored):
    """[(detection, sign or None)], the most certain first; without those that count neither way."""
    taken, judged = set(), []
    for one in sorted(found, key=lambda one: -one.confidence):
        fits = [(overlap(one.box, sign.box)[0], i) for i, sign in enumerate(signs)
                if sign.photo == one.photo and sign.kind == one.kind and i not in taken]
        best = max(fits, default=(0, None))
        if best[0] >= OVERLAP:
            taken.add(best[1])
            judged.append((one, signs[best[1]]))
        elif not any(max(overlap(one.box, box)) >= OVERLAP for box in ignored[one.photo]):
            judged.append((one, None))
    return judged


def average_precision(judged, count):
    """Area under the precision-recall curve, its precision made monotone."""
    right, points = 0, []
    for number, (_, sign) in enumerate(judged, 1):
        right += sign is not None
        points.append((right / count, right / number))
    area, best, last = 0.0, 0.0, None
    for recall, precision in reversed(points):
        if last is not None:
            area += (last - recall) * best
        best, last = max(best, precision), recall
    return area + (last or 0) * best


def at(judged, signs, confidence):
    kept = [pair for pair in judged if pair[0].confidence >= confidence]
    right = sum(sign is not None for _, sign in kept)
    precision, recall = right / len(kept) if kept else 1.0, right / len(signs)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"confidence": confidence, "precision": precision, "recall": recall, "f1": f1, "false": len(kept) - right}


def judge(found, signs, ignored):
    judged = match(found, signs, ignored)
    precisions = {}
    for kind, name in enumerate(CLASSES):
        count = sum(sign.kind == kind for sign in signs)
        if count:
            precisions[name] = average_precision([pair for pair in judged if pair[0].kind == kind], count)
    best = max((at(judged, signs, one.confidence) for one, _ in judged), key=lambda told: told["f1"], default=at(judged, signs, 1))
    seen = {sign for one, sign in judged if sign and one.confidence >= best["confidence"]}
    sizes, low = [], 0
    for high in SIZES:
        of_size = [sign for sign in signs if low <= sign.size < high]
        sizes.append((low, high, sum(sign in seen for sign in of_size), len(of_size)))
        low = high
    return {"map50": sum(precisions.values()) / len(precisions), "ap": precisions, "best": best, "sizes": sizes,
            "curve": [at(judged, signs, step / 20) for step in range(2, 17)]}, judged


def sheet(path, folder, judged, signs, confidence):
    """A picture of what was missed (green) and wrongly found (red), with what is around it."""
    import cv2
    import numpy
    kept = [(one, sign) for one, sign in judged if one.confidence >= confidence]
    seen = {sign for _, sign in kept}
    wrong = [(f"missed {CLASSES[sign.kind]} {sign.size:.0f}px", sign.photo, sign.box, (0, 220, 0)) for sign in signs if sign not in seen]
    wrong += [(f"false {CLASSES[one.kind]} {one.confidence:.2f}", one.photo, one.box, (0, 0, 255)) for one, sign in kept if not sign]
    tiles = []
    for title, name, box, colour in wrong:
        image = cv2.imread(str(folder / "images" / name))
        reach = max(box[2] - box[0], box[3] - box[1], 24) * 1.6
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        scale = 200 / (2 * reach)
        turn = numpy.array([[scale, 0, 100 - scale * middle[0]], [0, scale, 100 - scale * middle[1]]])
        tile = cv2.warpAffine(image, turn, (200, 200), flags=cv2.INTER_CUBIC)
        corner = [int(v * scale + turn[i % 2, 2]) for i, v in enumerate(box)]
        cv2.rectangle(tile, corner[:2], corner[2:], colour, 1)
        tile = numpy.vstack([tile, numpy.zeros((34, 200, 3), numpy.uint8)])
        cv2.putText(tile, title, (3, 213), 0, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
        cv2.putText(tile, name, (3, 228), 0, 0.35, (200, 200, 200), 1, cv2.LINE_AA)
        tiles.append(tile)
    blank = numpy.zeros((234, 200, 3), numpy.uint8)
    columns = 6
    tiles += [blank] * (-len(tiles) % columns or (columns if not tiles else 0))
    cv2.imwrite(str(path), numpy.vstack([numpy.hstack(tiles[i:i + columns]) for i in range(0, len(tiles), columns)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", required=True, type=pathlib.Path)
    parser.add_argument("--program", default=str(ROOT / "build/bin/railquest-inference"))
    parser.add_argument("--model", help="instead of the program's own")
    parser.add_argument("--only", type=pathlib.Path, help="a file naming the photos to judge on")
    parser.add_argument("--sheet", type=pathlib.Path, help="draw misses and false alarms at the best confidence")
    parser.add_argument("--json", type=pathlib.Path, help="write all numbers here")
    options = parser.parse_args()
    names = options.only.read_text().split() if options.only else \
        sorted(path.name for path in (options.photos / "images").iterdir() if path.is_file())
    lines = detect(options.program, options.model, [str(options.photos / "images" / name) for name in names], LOWEST)
    signs, ignored = labelled(options.photos, lines)
    told, judged = judge(found_in(lines), signs, ignored)
    print(f"{len(names)} photos, {len(signs)} signs: mAP50 {told['map50']:.3f}  " +
          "  ".join(f"{name} {value:.3f}" for name, value in told["ap"].items()))
    for title, point in [("best F1", told["best"])] + [("", point) for point in told["curve"]]:
        print(f"  {title:8} confidence {point['confidence']:.3f}  precision {point['precision']:.3f}  recall {point['recall']:.3f}  "
              f"F1 {point['f1']:.3f}  {point['false']} false")
    print("  recall by size: " + "  ".join(f"{low}-{high}: {seen}/{count}" for low, high, seen, count in told["sizes"]))
    if options.sheet:
        sheet(options.sheet, options.photos, judged, signs, told["best"]["confidence"])
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
