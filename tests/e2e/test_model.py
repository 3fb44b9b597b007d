"""The shipped model on the forty photos that it was trained with, and the whole way from pictures to a model in miniature."""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/bin/railquest-inference"
PHOTOS = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared")) / "lego-signs"
LEARN = ROOT / "learn"
sys.path.insert(0, str(LEARN))
import evaluate  # noqa: E402
import modelfile  # noqa: E402


def judged(confidence=evaluate.LOWEST, model=None):
    photos = sorted(str(path) for path in (PHOTOS / "images").glob("*.jpg"))
    if not photos:
        pytest.skip("the study folder is not here")
    lines = evaluate.detect(PROGRAM, model, photos, confidence)
    signs, ignored = evaluate.labelled(PHOTOS, lines)
    assert len(lines) == 40 and len(signs) == 123
    return evaluate.judge(evaluate.found_in(lines), signs, ignored)[0]


def test_the_shipped_model_finds_the_signs_of_the_forty_photos():
    told = judged()
    assert told["map50"] >= 0.90
    assert min(told["ap"].values()) >= 0.85


def test_at_its_own_confidence_the_shipped_model_is_seldom_wrong():
    told = judged(confidence=None)["curve"][0]  # from .1 on: everything that the program says by default
    assert told["precision"] >= 0.85 and told["recall"] >= 0.75


def test_the_shipped_model_is_small_and_says_what_it_is():
    data = (ROOT / "models/signs.model").read_bytes()
    info, _, _ = modelfile.decode(data)
    assert len(data) <= 1.5 * 2 ** 20
    assert info["classes"] == ["SpeedLimit", "DangerAhead"] and info["size"] == (576, 384)


def test_judging_counts_as_voc_does():
    def found(confidence, x, kind=0):
        return evaluate.Found("p", kind, (x, 0, x + 10, 10), confidence)
    signs = [evaluate.Sign("p", 0, (x, 0, x + 10, 10), 10) for x in (0, 20)]
    # Right, wrong, right: precision 1 up to recall 1/2, then 2/3.
    told, _ = evaluate.judge([found(.9, 1), found(.8, 50), found(.7, 21)], signs, {"p": []})
    assert told["map50"] == pytest.approx(.5 + .5 * 2 / 3)
    # The same on an ignore box counts neither way; a second box on one sign is wrong; so is the right place with another class.
    told, _ = evaluate.judge([found(.9, 1), found(.8, 50), found(.7, 21)], signs, {"p": [(48, 0, 62, 12)]})
    assert told["map50"] == 1
    told, _ = evaluate.judge([found(.9, 1), found(.8, 0), found(.7, 20, kind=1)], signs, {"p": []})
    assert told["map50"] == .5 and told["best"]["recall"] == .5
    assert [row[2:] for row in told["sizes"]][0] == (1, 2)


def has(*modules):
    """Whether the interpreter that runs this has them. They are large, so tests do without where they are missing."""
    return all(importlib.util.find_spec(module) for module in modules)


@pytest.mark.skipif(not has("torch", "cv2"), reason="PyTorch or OpenCV is not installed (learn/README.md)")
def test_training_in_miniature_lowers_the_loss_and_the_program_reads_what_it_writes(tmp_path):
    def run(name, *arguments):
        done = subprocess.run([sys.executable, LEARN / name, *arguments], capture_output=True, text=True, timeout=300, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout
    run("generate.py", "--out", "scenes", "--scenes", "24", "--seed", "5")
    first = (tmp_path / "scenes/images.npy").read_bytes()
    run("generate.py", "--out", "again", "--scenes", "24", "--seed", "5")
    assert first == (tmp_path / "again/images.npy").read_bytes()

    told = run("train.py", "--out", "run", "--data", "scenes=1", "--steps", "40", "--every", "10", "--model", "tiny.model")
    boxes = [float(line.split("box")[1].split()[0]) for line in told.splitlines() if "box" in line]
    assert len(boxes) == 4 and boxes[-1] < boxes[0] - 0.03

    # The same command again finds that nothing is left to do; a longer one goes on.
    assert "going on from step 40" in run("train.py", "--out", "run", "--data", "scenes=1", "--steps", "42", "--every", "10",
                                          "--model", "tiny.model")
    seen = subprocess.run([PROGRAM, "detect", "--model", tmp_path / "tiny.model", "--min-confidence", "0.01", LEARN / "README.md"],
                          capture_output=True, text=True, timeout=60)
    assert "neither JPEG nor WebP" in json.loads(seen.stdout)["error"]  # the model was read, the page is no picture
