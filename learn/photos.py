"""Photos with labels: reads them upright whatever their name says, with the signs to find and those to pass over."""
import json
import pathlib

import cv2

CLASSES = 2
IGNORE = -1


def read(path):
    """Red, green, blue. OpenCV tells JPEG from WebP by content and turns as EXIF says."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{path}: neither JPEG nor WebP that can be read")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def boxes(path, width, height, kind=None):
    """[(class, left, top, right, bottom)] in pixels from lines `class cx cy w h`, or `cx cy w h` where kind is given."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        values = [float(word) for word in line.split()]
        if kind is not None and len(values) == 4:
            values = [kind, *values]
        if len(values) != 5 or int(values[0]) not in (IGNORE, *range(CLASSES)):
            raise ValueError(f"{path}:{number}: not 'class cx cy w h'")
        c, x, y, w, h = values
        found.append((kind if kind is not None else int(c), (x - w / 2) * width, (y - h / 2) * height,
                      (x + w / 2) * width, (y + h / 2) * height))
    return found


def names(folder):
    """The photos of a folder with images/ and labels/, in order."""
    found = sorted(path.name for path in (pathlib.Path(folder) / "images").iterdir() if path.is_file())
    if not found:
        raise ValueError(f"{folder}/images: no photos")
    return found


def labels(folder, name, width, height):
    """Labelled signs, then with class IGNORE those that may be found or not: the folder's, and ours (ignore.json: left, top,
    right, bottom of cut-off signs that the folder does not name)."""
    stem = pathlib.Path(folder) / "labels" / pathlib.Path(name).stem
    return boxes(stem.with_name(stem.name + ".txt"), width, height) + \
        boxes(stem.with_name(stem.name + ".ignore.txt"), width, height, IGNORE) + \
        [(IGNORE, *box) for box in json.loads((pathlib.Path(__file__).parent / "ignore.json").read_text()).get(name, [])]
