"""railquest-inference detect, and the network's output beside PyTorch's (tests/e2e/golden/heads.json, by learn/golden.py)."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/bin/railquest-inference"
SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(ROOT / "learn"))
import modelfile  # noqa: E402

GOLDEN = json.loads((ROOT / "tests/e2e/golden/heads.json").read_text())
SHIPPED = ROOT / "models/signs.model"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "random.model"
    path.write_bytes(modelfile.random_model(GOLDEN["seed"]))
    return path


def detect(*arguments, **environment):
    return subprocess.run([PROGRAM, "detect", *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


@pytest.mark.parametrize("weights", ["random", "shipped"])
@pytest.mark.parametrize("kernels", ["avx512", "avx2", "sse2", "portable"])
def test_every_instruction_set_gives_what_pytorch_gives(model, kernels, weights):
    samples = GOLDEN["samples"]
    if weights == "shipped":
        model = SHIPPED
        golden = json.loads((ROOT / "tests/e2e/golden/signs.json").read_text())
        assert golden["crc32"] == zlib.crc32(model.read_bytes()), "made of another model: learn/golden.py says how"
        samples = golden["samples"]
    asked = "".join(f"{head} {c} {y} {x}\n" for head, c, y, x, _ in samples)
    told = subprocess.run([ROOT / "build/tests/support/model_heads", model], input=asked, capture_output=True, text=True,
                          timeout=60, env={**os.environ, "RAILQUEST_CPU": kernels})
    if told.returncode == 77:
        pytest.skip(told.stderr)
    assert told.returncode == 0, told.stderr
    values = [float(line) for line in told.stdout.split()]
    assert len(values) == len(samples) >= 500
    worst = max(abs(value - sample[4]) / max(1, abs(sample[4])) for value, sample in zip(values, samples))
    assert worst <= 1e-5
    assert max(values) - min(values) > 1  # they do differ


def test_unreadable_files_are_lines_with_an_error_and_exit_status_1(model, tmp_path):
    (tmp_path / "not.jpg").write_text("no picture")
    told = detect("--model", model, tmp_path / "not.jpg", tmp_path / "missing.webp")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert told.returncode == 1
    assert [set(line) for line in lines] == [{"file", "error"}] * 2
    assert lines[0]["file"] == str(tmp_path / "not.jpg") and "neither JPEG nor WebP" in lines[0]["error"]
    assert "No such file" in lines[1]["error"]


def test_wrong_usage_and_wrong_models_say_what_would_be_right(model, tmp_path):
    (tmp_path / "cut.model").write_bytes(model.read_bytes()[:5000])
    shutil.copy(PROGRAM, tmp_path)
    alone = subprocess.run([tmp_path / PROGRAM.name, "detect", "x.jpg"], capture_output=True, text=True, timeout=60)
    assert alone.returncode == 2 and "--model" in alone.stderr
    assert detect("--model", model, "--min-confidence", "1.5", "x.jpg").returncode == 2
    unknown = detect("--model", model, "x.jpg", RAILQUEST_CPU="avx3")
    assert unknown.returncode == 2 and "avx512" in unknown.stderr
    cut = detect("--model", tmp_path / "cut.model", "x.jpg")
    assert cut.returncode == 1 and cut.stdout == "" and "damaged or cut off" in cut.stderr
    other = detect("--model", __file__, "x.jpg")
    assert other.returncode == 1 and "not a Railquest model" in other.stderr


def test_real_photos_are_read_upright_whatever_their_name_says(model):
    photos = sorted((SHARED / "lego-signs/images").glob("*.jpg"))
    if not photos:
        pytest.skip("the study folder is not here")
    told = detect("--model", model, "--min-confidence", "0.5", *photos)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert told.returncode == 0
    assert [line["file"] for line in lines] == [str(photo) for photo in photos]
    for line in lines:
        assert (line["width"], line["height"]) == (640, 480)
        for found in line["detections"]:
            x, y, width, height = found["box"]
            assert 0 <= x <= x + width <= 640.01 and 0 <= y <= y + height <= 480.01
            assert found["class_name"] == ["SpeedLimit", "DangerAhead"][found["class_id"]]
            assert 0.5 <= found["confidence"] <= 1
        confidences = [found["confidence"] for found in line["detections"]]
        assert confidences == sorted(confidences, reverse=True)
    again = detect("--model", model, "--min-confidence", "0.5", *photos)
    assert again.stdout == told.stdout


@pytest.mark.parametrize("folder", ["share/railquest/models", "models"])
def test_the_model_beside_the_program_is_the_one_it_uses(tmp_path, folder):
    """As `meson install` lays it, and as a build does."""
    (tmp_path / "bin").mkdir()
    (tmp_path / folder).mkdir(parents=True)
    shutil.copy(PROGRAM, tmp_path / "bin")
    shutil.copy(SHIPPED, tmp_path / folder)
    (tmp_path / "not.jpg").write_text("no picture")
    told = subprocess.run([tmp_path / "bin" / PROGRAM.name, "detect", tmp_path / "not.jpg"], capture_output=True, text=True, timeout=60)
    assert told.returncode == 1 and "neither JPEG nor WebP" in told.stdout
