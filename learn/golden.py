#!/usr/bin/env python3
"""Writes tests/e2e/golden/*.json: what PyTorch gives for the network, on a picture made of a formula.

    learn/golden.py > tests/e2e/golden/heads.json                           with random weights
    learn/golden.py models/signs.model > tests/e2e/golden/signs.json        with a model's; again whenever it changes

Needs PyTorch; the tests that read them do not.
"""
import json
import pathlib
import random
import sys
import zlib

import numpy
import torch

import modelfile
import network

SEED, SAMPLES = 1, 600


def picture(width, height):
    """8-bit, [row][column][colour]; tests/support/model_heads.c makes the same."""
    y, x, c = numpy.ogrid[:height, :width, :3]
    return ((x * 7 + y * 13 + c * 29 + x * y) % 256).astype(numpy.uint8)


def forward(data, image):
    """Runs a model file as PyTorch would: one convolution after the other."""
    info, layers, heads = modelfile.decode(data)
    maps = [torch.from_numpy(image.astype(numpy.float32) / 255).permute(2, 0, 1)[None]]
    for layer in layers:
        shape = layer["out_channels"], layer["in_channels"], layer["size"], layer["size"]
        out = torch.nn.functional.conv2d(maps[layer["input"]], torch.tensor(layer["weights"]).reshape(shape),
                                         torch.tensor(layer["bias"]), layer["stride"], layer["size"] // 2)
        if layer["add"]:
            added = maps[layer["add"]]
            if layer["flags"] & 2:
                added = added.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, :out.shape[2], :out.shape[3]]
            out = out + added
        maps.append(torch.relu(out) if layer["flags"] & 1 else out)
    return [maps[layer][0].numpy() for layer, _ in heads]


def main():
    data = pathlib.Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else modelfile.random_model(SEED)
    outputs = forward(data, picture(*network.INPUT))
    source, found = random.Random(SEED), []
    for head, output in enumerate(outputs):
        for _ in range(SAMPLES // len(outputs)):
            c, y, x = (source.randrange(size) for size in output.shape)
            found.append([head, c, y, x, float(output[c, y, x])])
    print(json.dumps({"torch": torch.__version__, "seed": SEED, "crc32": zlib.crc32(data), "samples": found}).replace("], [", "],\n["))


if __name__ == "__main__":
    with torch.no_grad():
        main()
