#!/usr/bin/env python3
"""Writes and reads model files (docs/model.md). Needs nothing but Python.

    learn/modelfile.py random FILE [SEED]   the network with random weights: for tests and benches
    learn/modelfile.py show FILE            what a file says of itself
"""
import array
import pathlib
import random
import struct
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import network  # noqa: E402

MAGIC = b"RQMODEL\n"


def encode(layers, heads, weights, classes=network.CLASSES, size=network.INPUT, letterbox=False, per_class=False,
           min_confidence=0.4, max_overlap=0.5):
    """weights: {layer's name: (weights in PyTorch's order, bias)}, sequences of floats."""
    index = {layer.name: i + 1 for i, layer in enumerate(layers)}
    index["picture"] = 0
    body = b"".join(bytes([len(name.encode())]) + name.encode() for name in classes)
    for layer in layers:
        body += struct.pack("<HHHHBBBB", index[layer.input], index[layer.add] if layer.add else 0, layer.in_channels,
                            layer.out_channels, layer.size, layer.stride, layer.relu | layer.add_is_half << 1, 0)
    for head in heads:
        body += struct.pack("<HH", index[head.layer], head.stride)
    floats = array.array("f")
    for layer in layers:
        for values, count in zip(weights[layer.name], (layer.out_channels * layer.in_channels * layer.size ** 2,
                                                       layer.out_channels)):
            values = array.array("f", values)
            assert len(values) == count, layer.name
            floats.extend(values)
    if sys.byteorder == "big":
        floats.byteswap()
    info = struct.pack("<HHBBHffHHI", *size, letterbox, per_class, len(classes), min_confidence, max_overlap, len(layers),
                       len(heads), len(floats))
    body += b"\0" * (-(16 + len(info) + len(body)) % 4) + floats.tobytes()
    return MAGIC + struct.pack("<II", 1, zlib.crc32(info + body)) + info + body


def random_weights(layers, seed=1):
    """As PyTorch's usual start: what goes through stays about as large. The same numbers on every machine."""
    source = random.Random(seed)
    found = {}
    for layer in layers:
        fan_in = layer.in_channels * layer.size ** 2
        bound = (6 / fan_in) ** 0.5 if layer.relu else (1 / fan_in) ** 0.5
        found[layer.name] = ([source.uniform(-bound, bound) for _ in range(layer.out_channels * fan_in)],
                             [source.uniform(-0.1, 0.1) for _ in range(layer.out_channels)])
    return found


def random_model(seed=1, **options):
    layers = network.layers()
    return encode(layers, network.HEADS, random_weights(layers, seed), **options)


def decode(data):
    """(info, layers as dictionaries with weights and bias, heads); trusts the file but for its checksum."""
    assert data[:8] == MAGIC and zlib.crc32(data[16:]) == struct.unpack_from("<I", data, 12)[0], "no model, or damaged"
    width, height, letterbox, per_class, class_count, confidence, overlap, layer_count, head_count, _ = \
        struct.unpack_from("<HHBBHffHHI", data, 16)
    at, classes, layers = 40, [], []
    for _ in range(class_count):
        classes.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    names = ("input", "add", "in_channels", "out_channels", "size", "stride", "flags", "zero")
    for _ in range(layer_count):
        layers.append(dict(zip(names, struct.unpack_from("<HHHHBBBB", data, at))))
        at += 12
    heads = [struct.unpack_from("<HH", data, at + 4 * i) for i in range(head_count)]
    at += 4 * head_count
    at += -at % 4
    for layer in layers:
        count = layer["out_channels"] * layer["in_channels"] * layer["size"] ** 2
        layer["weights"] = struct.unpack_from(f"<{count}f", data, at)
        layer["bias"] = struct.unpack_from(f"<{layer['out_channels']}f", data, at + 4 * count)
        at += 4 * (count + layer["out_channels"])
    info = {"size": (width, height), "letterbox": letterbox, "per_class": per_class, "classes": classes,
            "min_confidence": confidence, "max_overlap": overlap}
    return info, layers, heads


def show(path):
    info, layers, heads = decode(pathlib.Path(path).read_bytes())
    print(info)
    for i, layer in enumerate(layers, 1):
        print(i, {key: value for key, value in layer.items() if key not in ("weights", "bias", "zero")})
    print("heads (layer, stride):", heads)


if __name__ == "__main__":
    if len(sys.argv) in (3, 4) and sys.argv[1] == "random":
        pathlib.Path(sys.argv[2]).write_bytes(random_model(int(sys.argv[3]) if len(sys.argv) == 4 else 1))
    elif len(sys.argv) == 3 and sys.argv[1] == "show":
        show(sys.argv[2])
    else:
        sys.exit(__doc__)
