#!/usr/bin/env python3
"""Makes the pictures to train with: procedural scenes, and photos with more signs set into them.

    learn/generate.py --out DIR --scenes 3000                                   needs no photo
    learn/generate.py --out DIR --photos ../shared/lego-signs --enriched 1000 [--without LIST]

Writes DIR/images.npy (number, 480, 640, 3; 8-bit) and DIR/labels.json. The same seed gives the same bytes.
"""
import argparse
import json
import pathlib

import cv2
import numpy as np

import photos
import scenes
import signs


def chosen_photos(folder, without):
    left_out = set(pathlib.Path(without).read_text().split()) if without else set()
    names = photos.names(folder)
    unknown = left_out - set(names)
    if unknown:
        raise SystemExit(f"{without}: no such photos: {', '.join(sorted(unknown))}")
    return [name for name in names if name not in left_out]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--scenes", type=int, default=0)
    parser.add_argument("--enriched", type=int, default=0)
    parser.add_argument("--photos", type=pathlib.Path, help="folder with images/ and labels/; itself comes first")
    parser.add_argument("--without", help="a file naming photos to leave out")
    parser.add_argument("--margin", type=float, default=2,
                        help="pixels by which boxes are larger than signs on each side; the photos' labels are by about 2")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    names = chosen_photos(options.photos, options.without) if options.photos else []
    cut = signs.cut_from(options.photos, names) if names else []
    real = []
    for name in names:
        image = photos.read(options.photos / "images" / name)
        if image.shape != (scenes.HEIGHT, scenes.WIDTH, 3):
            raise SystemExit(f"{name}: {image.shape[1]}x{image.shape[0]}, not 640x480")
        real.append((image, photos.labels(options.photos, name, scenes.WIDTH, scenes.HEIGHT)))
    if options.enriched and not real:
        raise SystemExit("--enriched needs --photos")
    count = options.scenes + (len(real) if options.enriched or not options.scenes else 0) + options.enriched
    options.out.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(options.out / "images.npy", "w+", np.uint8, (count, scenes.HEIGHT, scenes.WIDTH, 3))
    labels = []
    for number in range(count):
        source = np.random.default_rng((options.seed, number))
        if number < options.scenes:
            image, found = scenes.scene(source, cut, options.margin)
        elif number - options.scenes < len(real):
            image, found = real[number - options.scenes][0], scenes.real_outlines(real[number - options.scenes][1])
        else:
            image, found = scenes.enriched(*real[number % len(real)], source, cut, options.margin)
        images[number] = image
        labels.append([[kind, np.round(outline, 2).tolist()] for kind, outline in found])
        if number % 200 == 199:
            print(f"{number + 1}/{count} pictures", flush=True)
    images.flush()
    (options.out / "labels.json").write_text(json.dumps({"real": [options.scenes, len(real)] if count > options.scenes else [0, 0],
                                                         "signs": labels}))


if __name__ == "__main__":
    main()
