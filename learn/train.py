#!/usr/bin/env python3
"""Trains the detector on what generate.py made. The same seed, data and number of threads give the same model.

    learn/train.py --out DIR --data FOLDER=SHARE … --steps N [--from STATE] [--model FILE]

A share is how often crops come from a folder; real:FOLDER=SHARE takes its photos alone, as they are. --from starts from another
training's weights. Every 500 steps everything is kept in DIR/state.pt; the same command then goes on from there.
"""
import argparse
import copy
import math
import pathlib
import time

import torch

import crops
import detector

BATCH, KEEP_EVERY, WARM_UP, DECAY = 16, 500, 300, 0.999


class Batches(torch.utils.data.IterableDataset):
    def __init__(self, shares, seed, first):
        self.arguments = shares, BATCH, seed, first

    def __iter__(self):
        return crops.batches(*self.arguments)


def load_batches(shares, seed, first):
    """Made by one process beside this one."""
    loader = torch.utils.data.DataLoader(Batches(shares, seed, first), batch_size=None, num_workers=1, prefetch_factor=8)
    for images, kinds, corners in loader:
        yield images.permute(0, 3, 1, 2).float().div_(255).contiguous(memory_format=torch.channels_last), kinds, corners


def rate(step, steps, highest):
    """Rises at first, then falls along half a cosine."""
    return highest * min(1, (step + 1) / min(WARM_UP, steps // 8 + 1)) * (0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2)


def follow(average, model, step):
    """Moves the running average of the weights, which is what gets used."""
    decay = min(DECAY, (step + 1) / (step + 20))
    with torch.no_grad():
        for kept, now in zip(average.state_dict().values(), model.state_dict().values()):
            if kept.dtype.is_floating_point:
                kept.lerp_(now, 1 - decay)
            else:
                kept.copy_(now)


def train(shares, out, steps, seed=1, start=None, highest=2e-3, every=100, report=print):
    """Returns the averaged model and the losses, one for each `every` steps."""
    torch.manual_seed(seed)
    out.mkdir(parents=True, exist_ok=True)
    model = detector.Detector()
    if start:
        model.load_state_dict(torch.load(start)["average"])
    model = model.to(memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    plain = [p for p in model.parameters() if p.ndim == 1]
    optimiser = torch.optim.AdamW([{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.02},
                                   {"params": plain, "weight_decay": 0}], lr=highest)
    first, losses, kept = 0, [], out / "state.pt"
    if kept.exists():
        state = torch.load(kept)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        first, losses = state["step"], state["losses"]
        report(f"going on from step {first}")
    sums, began = torch.zeros(3), time.monotonic()
    for step, (images, kinds, corners) in zip(range(first, steps), load_batches(shares, seed, first)):
        for group in optimiser.param_groups:
            group["lr"] = rate(step, steps, highest)
        with torch.autocast("cpu", torch.bfloat16):
            outputs = model(images)
        quality, box, iou = detector.loss(outputs, kinds, corners)
        optimiser.zero_grad(set_to_none=True)
        (quality + 1.5 * box).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10)
        optimiser.step()
        follow(average, model, step)
        sums += torch.tensor([float(quality), float(box), iou])
        if (step + 1) % every == 0 or step + 1 == steps:
            over = (step % every) + 1
            losses.append(float(sums[0] + 1.5 * sums[1]) / over)
            speed = (step + 1 - first) * BATCH / (time.monotonic() - began)
            report(f"step {step + 1}/{steps}  quality {sums[0] / over:.3f}  box {sums[1] / over:.3f}  iou {sums[2] / over:.3f}  "
                   f"{speed:.0f} crops/s")
            sums.zero_()
        if (step + 1) % KEEP_EVERY == 0 or step + 1 == steps:
            torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(),
                        "step": step + 1, "losses": losses}, kept.with_suffix(".new"))
            kept.with_suffix(".new").rename(kept)
    return average, losses


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for state.pt")
    parser.add_argument("--data", required=True, nargs="+", metavar="FOLDER=SHARE")
    parser.add_argument("--steps", required=True, type=int)
    parser.add_argument("--from", dest="start", help="state.pt of a training to begin with")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--every", type=int, default=100, help="steps from one line to the next")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--min-confidence", type=float, default=0.5, help="kept in the model file")
    parser.add_argument("--model", type=pathlib.Path, help="write the model file here")
    options = parser.parse_args()
    torch.set_num_threads(1)
    shares = {name: float(share) for name, share in (text.rsplit("=", 1) for text in options.data)}
    average, _ = train(shares, options.out, options.steps, options.seed, options.start, options.rate, options.every,
                       lambda line: print(time.strftime("%H:%M:%S"), line, flush=True))
    if options.model:
        options.model.write_bytes(average.eval().model_file(options.min_confidence))


if __name__ == "__main__":
    main()
