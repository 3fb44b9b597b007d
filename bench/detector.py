#!/usr/bin/env python3
"""How fast the detector's network runs on one core: our kernels, ONNX Runtime and OpenCV's DNN, beside what the core can do.

    bench/detector.py [MODEL]            MODEL: a model file (docs/model.md), otherwise the one that is shipped
    bench/detector.py --layers [MODEL]   our kernels layer by layer; RAILQUEST_CPU names them

Times are CPU time of the one thread. Ours and ONNX Runtime take turns in one process; OpenCV runs before, in one of its own.
"""
import argparse
import ast
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "learn"))
import modelfile  # noqa: E402
import onnxfile  # noqa: E402

DETECTOR = ROOT / "build/bench/detector"
TARGET_MS, TARGET_SHARE = 8, 0.7


def opencv(path, size, rounds):
    """(name, best ms, median ms, sums of the heads) of OpenCV's DNN; None where it is not installed."""
    try:
        import cv2
        import numpy
    except ImportError:
        return None
    width, height = size
    y, x, c = numpy.ogrid[:height, :width, :3]
    picture = ((x * 7 + y * 13 + c * 29 + x * y) % 256).astype(numpy.float32) / 255  # as detector.c's
    cv2.setNumThreads(1)
    network = cv2.dnn.readNetFromONNX(str(path))
    network.setInput(numpy.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
    names, times = network.getUnconnectedOutLayersNames(), []
    for _ in range(rounds + 2):
        begun = time.thread_time()
        heads = network.forward(names)
        times.append((time.thread_time() - begun) * 1e3)
    times = sorted(times[2:])
    return f"OpenCV {cv2.__version__} DNN", times[0], times[len(times) // 2], [float(abs(head).sum()) for head in heads]


def opencv_apart(path, size, rounds):
    """In a process of its own: what it loads and starts is nobody else's."""
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'bench')!r}); import detector; print(detector.opencv({str(path)!r}, {size}, {rounds}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    return ast.literal_eval(done.stdout) if done.returncode == 0 else None


def row(name, best, median, gflop, share=0, peak=0):
    text = f"    {name:<26} {best:7.2f} {median:7.2f} ms {gflop / best * 1e3:7.1f} {gflop / median * 1e3:7.1f} GFLOP/s"
    print(text + (f" {share:5.0%} of {peak:.0f}" if peak else ""))


def compare(data, rounds, folder):
    info, _, _ = modelfile.decode(data)
    (folder / "network.model").write_bytes(data)
    (folder / "network.onnx").write_bytes(onnxfile.from_model(data, raw=True))
    fetched = subprocess.run([ROOT / "scripts/onnxruntime"], stdout=subprocess.PIPE, text=True)
    command = [DETECTOR, folder / "network.model", str(rounds)]
    if fetched.returncode == 0:
        command += [folder / "network.onnx", fetched.stdout.strip()]
    other = opencv_apart(folder / "network.onnx", info["size"], max(rounds // 5, 5))
    lines = [line.split("\t") for line in
             subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
    facts = {words[0]: words[1:] for words in lines if words[0] != "runner"}
    runners = [(words[1], *map(float, words[2:])) for words in lines if words[0] == "runner"]
    width, height, gflop = map(float, facts["model"])
    print(f"\ndetector: one thread, {width:.0f}x{height:.0f}, {gflop:.3f} GFLOP of useful work; best and median of {rounds}, and the "
          "median share of the core's multiply-add peak at that width, measured before and after each")
    for name, *told in runners:
        row(f"ONNX Runtime {name}" if name[0].isdigit() else f"railquest {name}", *told[:2], gflop, *told[2:])
    ours = runners[0]
    if other:
        row(*other[:3], gflop)
    else:
        print("    no OpenCV here to compare with (python3-opencv)")
    if "agree" in facts:
        theirs = runners[-1]
        print(f"    ratio: {theirs[1] / ours[1]:.2f} times as fast as ONNX Runtime at best, {theirs[2] / ours[2]:.2f} in the median (target: 1); "
              f"heads agree to {float(facts['agree'][0]):.1e}")
    else:
        print("    no ONNX Runtime here to compare with (scripts/onnxruntime fetches it)")
    if other:
        apart = max(abs(a - float(b)) / float(b) for a, b in zip(sorted(other[3]), sorted(facts["heads"], key=float)))
        print(f"    ratio: {other[1] / ours[1]:.1f} times as fast as OpenCV at best, {other[2] / ours[2]:.1f} in the median; sums of its heads agree to {apart:.1e}")
    print(f"    {ours[0]}: median {ours[2]:.2f} ms a frame (target: {TARGET_MS}), {ours[3]:.0%} of the peak "
          f"(target: {TARGET_SHARE:.0%})")


def model_bytes(path):
    return (path or ROOT / "models/signs.model").read_bytes()


def build():
    subprocess.run(["ninja", "-C", ROOT / "build", "bench/detector"], check=True, stdout=subprocess.DEVNULL)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model", type=pathlib.Path, nargs="?")
    arguments.add_argument("--layers", action="store_true")
    arguments.add_argument("--rounds", type=int, default=100)
    given = arguments.parse_args()
    build()
    with tempfile.TemporaryDirectory(prefix="railquest-bench-") as name:
        folder = pathlib.Path(name)
        if given.layers:
            (folder / "network.model").write_bytes(model_bytes(given.model))
            sys.exit(subprocess.run([DETECTOR, "--layers", folder / "network.model", str(given.rounds)]).returncode)
        compare(model_bytes(given.model), given.rounds, folder)


if __name__ == "__main__":
    main()
