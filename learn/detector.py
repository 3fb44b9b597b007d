"""The network of network.py in PyTorch, its loss, and its way into a model file."""
import torch
from torch import nn
from torch.nn import functional

import crops
import modelfile
import network


class Detector(nn.Module):
    """Batch normalisation stands after every convolution but the heads', and is folded into it when written."""

    def __init__(self):
        super().__init__()
        self.layers = network.layers()
        self.heads = [head.layer for head in network.HEADS]
        self.convolutions = nn.ModuleDict()
        self.norms = nn.ModuleDict()
        for layer in self.layers:
            head = layer.name in self.heads
            self.convolutions[layer.name] = nn.Conv2d(layer.in_channels, layer.out_channels, layer.size, layer.stride,
                                                      layer.size // 2, bias=head)
            nn.init.kaiming_normal_(self.convolutions[layer.name].weight, nonlinearity="relu")
            if head:
                nn.init.normal_(self.convolutions[layer.name].weight, 0, 0.01)
                start = [-4.0] * len(network.CLASSES) + [0.7] * 4
                self.convolutions[layer.name].bias.data = torch.tensor(start)
            else:
                self.norms[layer.name] = nn.BatchNorm2d(layer.out_channels, momentum=0.03)

    def forward(self, picture):
        maps = {"picture": picture}
        for layer in self.layers:
            source = maps[layer.input]
            if layer.name in self.heads:  # 8 bits of precision are too few for where a box ends
                with torch.autocast("cpu", enabled=False):
                    maps[layer.name] = self.convolutions[layer.name](source.float())
                continue
            out = self.norms[layer.name](self.convolutions[layer.name](source))
            if layer.add:
                added = maps[layer.add]
                out = out + (functional.interpolate(added, scale_factor=2.0, mode="nearest") if layer.add_is_half else added)
            maps[layer.name] = functional.relu(out) if layer.relu else out
        return [maps[head] for head in self.heads]

    def folded(self):
        """{layer: (weights, bias)} with the normalisation inside."""
        found = {}
        for layer in self.layers:
            convolution = self.convolutions[layer.name]
            weight, bias = convolution.weight.detach().double(), convolution.bias
            if layer.name in self.norms:
                norm = self.norms[layer.name]
                factor = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
                weight = weight * factor[:, None, None, None]
                bias = norm.bias.double() - norm.running_mean.double() * factor
            found[layer.name] = (weight.contiguous().flatten().tolist(), bias.detach().double().tolist())
        return found

    def model_file(self, min_confidence):
        return modelfile.encode(self.layers, network.HEADS, self.folded(), min_confidence=min_confidence)


def cells(outputs):
    """All heads' cells in one row: class logits, and boxes (left, top, right, bottom) in pixels of the input."""
    logits, boxes = [], []
    for head, output in zip(network.HEADS, outputs):
        n, _, height, width = output.shape
        output = output.flatten(2).transpose(1, 2)
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        middle = torch.stack([x, y], -1).reshape(1, -1, 2) * head.stride
        reach = output[..., -4:].clamp(max=7).exp() * head.stride
        logits.append(output[..., :-4])
        boxes.append(torch.cat([middle - reach[..., :2], middle + reach[..., 2:]], -1))
    return torch.cat(logits, 1), torch.cat(boxes, 1)


def overlap(a, b):
    """Intersection over union, and GIoU."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    common = (high - low).clamp(min=0).prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - common
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).prod(1)
    iou = common / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


def loss(outputs, kinds, corners):
    """Quality focal loss (a cell's confidence shall be how well its box fits) and GIoU. Returns both, and the mean IoU."""
    logits, boxes = cells(outputs)
    logits, boxes = logits.flatten(0, 1), boxes.flatten(0, 1)
    found = (kinds.flatten() >= 0).nonzero()[:, 0]
    count = max(1, len(found))
    iou, giou = overlap(boxes[found], corners.flatten(0, 1)[found])
    wanted = torch.zeros_like(logits)
    wanted[found, kinds.flatten()[found].long()] = iou.detach().clamp(0, 1)
    focus = (logits.detach().sigmoid() - wanted).abs().square()
    counts = (kinds.flatten() != crops.IGNORED)[:, None]
    quality = (functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * focus * counts).sum() / count
    return quality, (1 - giou).sum() / count, float(iou.mean()) if len(found) else 0.0
