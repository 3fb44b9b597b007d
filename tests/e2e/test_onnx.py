"""The ONNX Runtime driver: with the real library (npm's onnxruntime-node, scripts/onnxruntime), and with a fake of a machine
that has a graphics card (tests/support/fake_onnxruntime.c). Files are written by learn/onnxfile.py."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/bin/railquest-inference"
BOXES = ROOT / "build/tests/support/model_boxes"
FAKE = ROOT / "build/tests/support/fake_onnxruntime.so"
SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "learn"))
import modelfile  # noqa: E402
import onnxfile  # noqa: E402

CLASSES = ["SpeedLimit", "DangerAhead"]
NAMES = "{0: 'SpeedLimit', 1: 'DangerAhead'}"


@pytest.fixture(scope="session")
def library():
    fetched = subprocess.run([ROOT / "scripts/onnxruntime"], stdout=subprocess.PIPE, text=True, timeout=600)
    if fetched.returncode == 77:
        pytest.skip("no ONNX Runtime for this processor")
    assert fetched.returncode == 0
    return fetched.stdout.strip()


def run(program, *arguments, **environment):
    environment = {**{key: value for key, value in os.environ.items() if not key.startswith("RAILQUEST_")}, **environment}
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=120, env=environment)


def boxes(*arguments, **environment):
    """(what runs, [(class, name, confidence, left, top, width, height)…])"""
    told = run(BOXES, *arguments, **environment)
    assert told.returncode == 0, told.stderr
    head, *lines = told.stdout.splitlines()
    rows = [line.split() for line in lines]
    return head, [(int(row[0]), row[1], *map(float, row[2:])) for row in rows]


def write(path, data):
    path.write_bytes(data)
    return path


def shuffle(path, metadata=None, dims=(1, 3, 32, 48), kind=onnxfile.FLOAT, outputs=1, classes=2, cells=None):
    """A file whose output has the wanted shape and says nothing: a reshape and a matrix of zeros."""
    graph = onnxfile.Graph()
    mean = graph.node("ReduceMean", ["images"], "mean", axes=[1, 2, 3], keepdims=0) if kind == onnxfile.FLOAT else None
    made = []
    for i in range(outputs):
        shape = [1, classes + 4, cells or 7]
        count = shape[1] * shape[2]
        zeros = graph.constant(f"zeros{i}", [1, count], [0] * count)
        if mean:
            column = graph.node("Reshape", [mean, graph.constant("column", [2], [1, 1], onnxfile.INT64)], f"column{i}")
            flat = graph.node("MatMul", [column, zeros], f"flat{i}")
        else:
            flat = graph.node("Identity", [zeros], f"flat{i}")
        graph.node("Reshape", [flat, graph.constant("shape", [3], shape, onnxfile.INT64)], f"output{i}")
        made.append(onnxfile.value_info(f"output{i}", shape))
    metadata = {"names": NAMES} if metadata is None else metadata
    return write(path, graph.encode([onnxfile.value_info("images", dims, kind)], made, metadata))


@pytest.mark.parametrize("letterbox", [False, True])
def test_the_same_network_finds_the_same_boxes_in_both_drivers(library, tmp_path, letterbox):
    data = modelfile.random_model(3, letterbox=letterbox, per_class=letterbox)
    ours = write(tmp_path / "a.model", data)
    theirs = write(tmp_path / "a.onnx", onnxfile.from_model(data))
    turned = write(tmp_path / "turned.onnx", onnxfile.from_model(data, transposed=True))
    fit = "letterbox" if letterbox else "stretch"
    head, expected = boxes("--model", ours, 640, 480, "0.55")
    assert head.startswith("built in, ") and head.endswith(f"576x384, {fit}")
    assert 20 < len(expected) <= 300
    for path in (theirs, turned):
        head, found = boxes("--model", path, "--onnxruntime", library, 640, 480, "0.55")
        assert head == f"ONNX Runtime, cpu, 576x384, {fit}"
        # Boxes that are equally sure may change places; each is paired with the nearest of its class.
        assert len(found) == len(expected)
        for box in expected:
            nearest = min((other for other in found if other[0] == box[0]),
                          key=lambda other: sum(abs(a - b) for a, b in zip(other[2:], box[2:])))
            assert nearest[2] == pytest.approx(box[2], abs=1e-5)
            assert nearest[3:] == pytest.approx(box[3:], abs=1e-3)


def test_the_shipped_model_finds_the_same_signs_on_real_photos_in_both_drivers(library, tmp_path):
    photos = sorted((SHARED / "lego-signs/images").glob("*.jpg"))
    if not photos:
        pytest.skip("the study folder is not here")
    shipped = ROOT / "models/signs.model"
    path = write(tmp_path / "signs.onnx", onnxfile.from_model(shipped.read_bytes()))
    ours = run(PROGRAM, "detect", "--model", shipped, *photos)
    theirs = run(PROGRAM, "detect", "--model", path, "--onnxruntime", library, *photos)
    assert ours.returncode == theirs.returncode == 0 and theirs.stderr == ""
    count = 0
    for ours, theirs in zip(map(json.loads, ours.stdout.splitlines()), map(json.loads, theirs.stdout.splitlines())):
        assert ours["file"] == theirs["file"]
        assert len(ours["detections"]) == len(theirs["detections"]), ours["file"]
        for a, b in zip(ours["detections"], theirs["detections"]):
            assert a["class_name"] == b["class_name"]
            # Both are printed in hundredths of a pixel.
            assert a["box"] == pytest.approx(b["box"], abs=0.011)
            assert a["confidence"] == pytest.approx(b["confidence"], abs=1.1e-4)
            count += 1
    assert count > 50


def test_open_sizes_are_those_of_the_metadata(library, tmp_path):
    path = shuffle(tmp_path / "open.onnx", {"names": NAMES, "imgsz": "[64, 96]"}, dims=("batch", 3, "height", "width"))
    assert boxes("--model", path, "--onnxruntime", library, 64, 48)[0] == "ONNX Runtime, cpu, 96x64, letterbox"
    without = run(BOXES, "--model", shuffle(tmp_path / "without.onnx", dims=("batch", 3, "height", "width")),
                  "--onnxruntime", library, 64, 48)
    assert without.returncode == 1 and "imgsz" in without.stderr


def test_the_fit_is_the_models_unless_the_operator_says_otherwise(library, tmp_path):
    path = shuffle(tmp_path / "a.onnx", {"names": NAMES, "railquest_fit": "stretch"})
    assert boxes("--model", path, "--onnxruntime", library, 64, 48)[0].endswith(", stretch")
    assert boxes("--model", path, "--onnxruntime", library, "--fit", "top-left", 64, 48)[0].endswith(", top-left")


@pytest.mark.parametrize("options,words", [
    ({"metadata": {}}, "no \"names\""),
    ({"metadata": {"names": "['a', 'b']"}}, "go wrong after 0 classes"),
    ({"metadata": {"names": "{0: 'a'}"}}, "with 1 classes in its metadata 1x5xN or 1xNx5 is right"),
    ({"metadata": {"names": NAMES, "task": "segment"}}, "task \"segment\""),
    ({"metadata": {"names": NAMES, "end2end": "True"}}, "end2end"),
    ({"metadata": {"names": NAMES, "railquest_fit": "squeeze"}}, "stretch, letterbox or top-left"),
    ({"metadata": {"names": NAMES, "railquest_max_overlap": "2"}}, "between 0 and 1"),
    ({"outputs": 2}, "1 inputs and 2 outputs"),
    ({"dims": (1, 1, 32, 48)}, "1x3xHxW"),
    ({"dims": (4, 3, 32, 48)}, "1x3xHxW"),
    ({"dims": (1, 3, 32)}, "1x3xHxW"),
    ({"dims": (1, 3, 32, 48), "kind": onnxfile.FLOAT16}, "export without half"),
    ({"dims": (1, 3, 8192, 48)}, "1 to 4096"),
    ({"cells": 2_000_000, "classes": 0, "metadata": {"names": NAMES}}, "the output is 1x4x2000000"),
])
def test_a_model_of_another_kind_is_refused_with_what_would_be_right(library, tmp_path, options, words):
    if options.get("dims") == (1, 3, 32):
        path = tmp_path / "a.onnx"
        graph = onnxfile.Graph()
        graph.node("Identity", ["images"], "output0")
        path.write_bytes(graph.encode([onnxfile.value_info("images", [1, 3, 32])], [onnxfile.value_info("output0", [1, 3, 32])],
                                      {"names": NAMES}))
    else:
        path = shuffle(tmp_path / "a.onnx", **options)
    told = run(PROGRAM, "detect", "--model", path, "--onnxruntime", library, "x.jpg")
    assert told.returncode == 1 and told.stdout == ""
    assert words in told.stderr and str(path) in told.stderr
    assert len(told.stderr.splitlines()) == 1


def test_files_that_are_no_models_are_refused_without_a_crash(library, tmp_path):
    whole = onnxfile.from_model(modelfile.random_model(1))
    cuts = [0, 1, 7, 100, len(whole) // 2, len(whole) - 1]
    paths = [write(tmp_path / f"cut{cut}.onnx", whole[:cut]) for cut in cuts]
    paths.append(write(tmp_path / "text.onnx", b"no model\n"))
    paths.append(write(tmp_path / "ours.onnx", modelfile.random_model(1)))
    for path in paths:
        told = run(PROGRAM, "detect", "--model", path, "--onnxruntime", library, "x.jpg")
        assert told.returncode == 1 and path.name in told.stderr, path
    told = run(PROGRAM, "detect", "--model", tmp_path / "missing.onnx", "--onnxruntime", library, "x.jpg")
    assert told.returncode == 1 and "No such file" in told.stderr
    told = run(PROGRAM, "detect", "--model", write(tmp_path / "a.onnx", whole), "--onnxruntime", tmp_path / "none.so", "x.jpg")
    assert told.returncode == 1 and "load ONNX Runtime" in told.stderr and "none.so" in told.stderr
    told = run(PROGRAM, "detect", "--model", tmp_path / "a.onnx", "--onnxruntime", "libm.so.6", "x.jpg")
    assert told.returncode == 1 and "is not ONNX Runtime" in told.stderr
    if "libonnxruntime" not in subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True).stdout:
        told = run(PROGRAM, "detect", "--model", tmp_path / "a.onnx", "x.jpg")
        assert told.returncode == 1 and "RAILQUEST_ONNXRUNTIME=FILE" in told.stderr


def test_providers_that_this_library_cannot_use_are_told_once_each(library, tmp_path):
    path = shuffle(tmp_path / "a.onnx")
    told = run(BOXES, "--model", path, "--onnxruntime", library, "--providers", "tensorrt,cuda,cpu", 64, 48)
    assert told.returncode == 0 and told.stdout.startswith("ONNX Runtime, cpu, ")
    warnings = [line for line in told.stderr.splitlines() if "level=warn" in line]
    assert len(warnings) == 2
    assert "provider tensorrt cannot be used" in warnings[0] and "next: cuda" in warnings[0]
    assert "provider cuda cannot be used" in warnings[1] and "next: cpu" in warnings[1]
    only = run(BOXES, "--model", path, "--onnxruntime", library, "--providers", "cuda", 64, 48)
    assert only.returncode == 1 and "cpu always can" in only.stderr
    wrong = run(BOXES, "--model", path, "--onnxruntime", library, "--providers", "cuda,gpu", 64, 48)
    assert wrong.returncode == 2 and "each of tensorrt, cuda and cpu" in wrong.stderr


@pytest.mark.parametrize("fault,asked,used,warned", [
    ("", "tensorrt,cuda,cpu", "tensorrt", []),
    ("", "cuda,cpu", "cuda", []),
    ("", "cpu", "cpu", []),
    ("", "cpu,cuda", "cpu", []),
    ("append-tensorrt", "tensorrt,cuda,cpu", "cuda", ["tensorrt"]),
    ("session-tensorrt", "tensorrt,cuda,cpu", "cuda", ["tensorrt"]),
    ("session-tensorrt append-cuda", "tensorrt,cuda,cpu", "cpu", ["cuda", "tensorrt"]),
    ("append-tensorrt session-cuda", "tensorrt,cuda,cpu", "cpu", ["tensorrt", "cuda"]),
    ("no-cuda", "cuda,cpu", "cpu", ["cuda"]),
    ("session-tensorrt session-cuda", "tensorrt,cuda", None, ["tensorrt", "cuda"]),
])
def test_a_card_is_used_where_it_can_be_and_what_cannot_is_told_once(tmp_path, fault, asked, used, warned):
    path = write(tmp_path / "a.onnx", b"anything")
    told = run(BOXES, "--model", path, "--onnxruntime", FAKE, "--providers", asked, 64, 64, FAKE_ORT=fault)
    warnings = [line for line in told.stderr.splitlines() if "level=warn" in line]
    assert [line.split("provider ")[1].split()[0] for line in warnings] == warned
    if used is None:
        assert told.returncode == 1 and "can be used" in told.stderr
    else:
        head, box = told.stdout.splitlines()
        assert head == f"ONNX Runtime, {used}, 32x32, letterbox"
        # 10x12 around (16, 8) in the input, which the picture fills at half its size.
        assert box.split()[:2] == ["1", "DangerAhead"]
        assert [float(word) for word in box.split()[2:]] == pytest.approx([0.9, 22, 4, 20, 24], abs=1e-4)
    assert "fake: no telemetry" in told.stderr and "fake: released" in told.stderr
    assert "words while opening" not in told.stderr


def test_tensorrt_keeps_its_engines_where_it_is_told_to(tmp_path):
    path = write(tmp_path / "a.onnx", b"anything")
    told = run(BOXES, "--model", path, "--onnxruntime", FAKE, "--providers", "tensorrt,cpu", "--engines", tmp_path, "--threads", 3,
               64, 64)
    assert f"fake: trt_engine_cache_path={tmp_path}" in told.stderr and "fake: trt_engine_cache_enable=1" in told.stderr
    assert "fake: 3 threads" in told.stderr


def test_a_library_that_is_too_old_or_fails_later_is_an_error_not_a_crash(tmp_path):
    path = write(tmp_path / "a.onnx", b"anything")
    old = run(BOXES, "--model", path, "--onnxruntime", FAKE, 64, 64, FAKE_ORT="old")
    assert old.returncode == 1 and "0.0.0-fake is too old" in old.stderr
    later = run(BOXES, "--model", path, "--onnxruntime", FAKE, 64, 64, FAKE_ORT="run")
    assert later.returncode == 1 and "the run said no" in later.stderr
    nothing = run(BOXES, "--model", path, "--onnxruntime", FAKE, 64, 64, FAKE_ORT="nothing")
    assert nothing.returncode == 0 and len(nothing.stdout.splitlines()) == 1
    shrunk = run(BOXES, "--model", path, "--onnxruntime", FAKE, 64, 64, FAKE_ORT="shrink")
    assert shrunk.returncode == 0 and len(shrunk.stdout.splitlines()) == 2
