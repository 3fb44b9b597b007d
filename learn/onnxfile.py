#!/usr/bin/env python3
"""Writes ONNX files, and turns a model file (docs/model.md) into one. Needs nothing but Python.

    learn/onnxfile.py MODEL FILE.onnx          what other programs run: input `images`, output 1x(4 + classes)xN, as YOLOv8's
    learn/onnxfile.py --raw MODEL FILE.onnx    the heads as they are: for benches

An ONNX file is a protobuf message; its fields and their numbers are those of onnx/onnx.proto (IR version 7, operator set 13).
"""
import array
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import modelfile  # noqa: E402

FLOAT, INT64, FLOAT16 = 1, 7, 10  # TensorProto.DataType
OPSET, IR_VERSION = 13, 7


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def field(number, value):
    """An integer as a varint, all else by its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, dims, values, kind=FLOAT):
    raw = array.array("f" if kind == FLOAT else "q", values)
    if sys.byteorder == "big":
        raw.byteswap()
    return b"".join(field(1, size) for size in dims) + field(2, kind) + field(8, name) + field(9, raw.tobytes())


def attribute(name, value):
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b"".join(field(8, item) for item in value) + field(20, 7)


def value_info(name, dims, kind=FLOAT):
    """dims: sizes, or names of sizes that are not fixed."""
    shape = b"".join(field(1, field(1 if isinstance(size, int) else 2, size)) for size in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.names = [], {}, set()

    def constant(self, name, dims, values, kind=FLOAT):
        self.constants[name] = tensor(name, dims, values, kind)
        return name

    def node(self, operator, inputs, output, **attributes):
        assert output not in self.names, output
        self.names.add(output)
        self.nodes.append(b"".join(field(1, name) for name in inputs) + field(2, output) + field(3, output) + field(4, operator)
                          + b"".join(field(5, attribute(*item)) for item in attributes.items()))
        return output

    def encode(self, inputs, outputs, metadata=None):
        """inputs, outputs: value_info()s. The bytes of an ONNX file."""
        graph = b"".join(field(1, node) for node in self.nodes) + field(2, "railquest")
        graph += b"".join(field(5, constant) for constant in self.constants.values())
        graph += b"".join(field(11, info) for info in inputs) + b"".join(field(12, info) for info in outputs)
        return (field(1, IR_VERSION) + field(2, "railquest") + field(7, graph) + field(8, field(1, "") + field(2, OPSET))
                + b"".join(field(14, field(1, key) + field(2, value)) for key, value in (metadata or {}).items()))


def add_layers(graph, layers, size):
    """The network up to its heads; returns the maps' names and sizes, the picture's first."""
    names, sizes = ["images"], [tuple(size)]
    for index, layer in enumerate(layers, 1):
        shape = layer["out_channels"], layer["in_channels"], layer["size"], layer["size"]
        width, height = (-(-side // layer["stride"]) for side in sizes[layer["input"]])
        inputs = [names[layer["input"]], graph.constant(f"w{index}", shape, layer["weights"]),
                  graph.constant(f"b{index}", shape[:1], layer["bias"])]
        border = layer["size"] // 2
        name = graph.node("Conv", inputs, f"conv{index}", kernel_shape=[layer["size"]] * 2, pads=[border] * 4,
                          strides=[layer["stride"]] * 2)
        if layer["add"]:
            added = names[layer["add"]]
            if layer["flags"] & 2:
                scales = graph.constant("twice", [4], [1, 1, 2, 2])
                added = graph.node("Resize", [added, "", scales], f"twice{index}", mode="nearest",
                                   coordinate_transformation_mode="asymmetric", nearest_mode="floor")
                if (width, height) != tuple(2 * side for side in sizes[layer["add"]]):
                    added = cut(graph, added, f"cut{index}", [0, 0], [height, width], [2, 3])
            name = graph.node("Add", [name, added], f"add{index}")
        if layer["flags"] & 1:
            name = graph.node("Relu", [name], f"relu{index}")
        names.append(name)
        sizes.append((width, height))
    return names, sizes


def cut(graph, source, output, begins, ends, axes):
    parts = [graph.constant(f"{output}_{name}", [len(values)], values, INT64)
             for name, values in (("begins", begins), ("ends", ends), ("axes", axes))]
    return graph.node("Slice", [source, *parts], output)


def add_head(graph, source, size, stride, classes):
    """From a cell's logits and reaches to centre, width, height and a confidence for each class; returns 1x(4 + classes)xN."""
    (width, height), name = size, f"head{stride}"
    logits = cut(graph, source, f"{name}_logits", [0], [classes], [1])
    reaches = cut(graph, source, f"{name}_reaches", [classes], [classes + 4], [1])
    reaches = graph.node("Clip", [reaches, "", graph.constant("seven", [], [7])], f"{name}_bounded")
    reaches = graph.node("Exp", [reaches], f"{name}_strides")
    reaches = graph.node("Mul", [reaches, graph.constant(f"{name}_stride", [1], [stride])], f"{name}_pixels")
    first = cut(graph, reaches, f"{name}_first", [0], [2], [1])
    last = cut(graph, reaches, f"{name}_last", [2], [4], [1])
    cells = [(x + 0.5) * stride for _ in range(height) for x in range(width)]
    cells += [(y + 0.5) * stride for y in range(height) for _ in range(width)]
    middle = graph.node("Sub", [last, first], f"{name}_twice_off")
    middle = graph.node("Mul", [middle, graph.constant("half", [1], [0.5])], f"{name}_off")
    middle = graph.node("Add", [middle, graph.constant(f"{name}_cells", [1, 2, height, width], cells)], f"{name}_middle")
    sides = graph.node("Add", [first, last], f"{name}_sides")
    scores = graph.node("Sigmoid", [logits], f"{name}_scores")
    all_of_it = graph.node("Concat", [middle, sides, scores], f"{name}_all", axis=1)
    shape = graph.constant(f"{name}_shape", [3], [1, classes + 4, width * height], INT64)
    return graph.node("Reshape", [all_of_it, shape], f"{name}_flat")


def metadata_of(info):
    """As Ultralytics writes it, and what it has no word for under names of ours."""
    width, height = info["size"]
    return {"names": str(dict(enumerate(info["classes"]))), "imgsz": str([height, width]), "task": "detect",
            "railquest_fit": "letterbox" if info["letterbox"] else "stretch",
            "railquest_min_confidence": "%.9g" % info["min_confidence"], "railquest_max_overlap": "%.9g" % info["max_overlap"],
            "railquest_per_class": str(bool(info["per_class"]))}


def from_model(data, raw=False, transposed=False, metadata=None):
    """An ONNX file from a model file's bytes. `transposed`: 1xNx(4 + classes), as some exporters leave it."""
    info, layers, heads = modelfile.decode(data)
    graph, (width, height), classes = Graph(), info["size"], len(info["classes"])
    names, sizes = add_layers(graph, layers, info["size"])
    if raw:
        outputs = [value_info(names[layer], [1, classes + 4, sizes[layer][1], sizes[layer][0]]) for layer, _ in heads]
    else:
        flat = [add_head(graph, names[layer], sizes[layer], stride, classes) for layer, stride in heads]
        cells = sum(sizes[layer][0] * sizes[layer][1] for layer, _ in heads)
        graph.node("Concat", flat, "whole" if transposed else "output0", axis=2)
        if transposed:
            graph.node("Transpose", ["whole"], "output0", perm=[0, 2, 1])
        outputs = [value_info("output0", [1, cells, classes + 4] if transposed else [1, classes + 4, cells])]
    return graph.encode([value_info("images", [1, 3, height, width])], outputs,
                        metadata_of(info) if metadata is None else metadata)


def main(arguments):
    raw = arguments[:1] == ["--raw"]
    if len(arguments) != 2 + raw:
        sys.exit(__doc__)
    source, target = map(pathlib.Path, arguments[raw:])
    target.write_bytes(from_model(source.read_bytes(), raw))


if __name__ == "__main__":
    main(sys.argv[1:])
