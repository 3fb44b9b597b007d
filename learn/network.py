"""The network: which layers there are, in the order in which they run. Plain data; nothing here needs PyTorch.

A layer is a convolution with bias, an added map and ReLU. Channels are multiples of 16 (a vector register). The body halves
the map five times; the neck goes back up by repeating pixels, to heads at stride 8 (big signs) and stride 4 (small ones:
at stride 8 signs of 12 to 20 pixels fall between the cells).
"""
import collections

Layer = collections.namedtuple("Layer", "name input add in_channels out_channels size stride relu add_is_half")
Head = collections.namedtuple("Head", "layer stride")

CLASSES = ["SpeedLimit", "DangerAhead"]
INPUT = (576, 384)  # width, height: 3:2 as the camera's 600x400, and both sides divide by 32


def layers():
    found = []

    def add(name, source, out, size=3, stride=1, relu=True, plus=None, half=False):
        before = {layer.name: layer.out_channels for layer in found}
        found.append(Layer(name, source, plus, before.get(source, 3), out, size, stride, relu, half))

    add("s2", "picture", 16, stride=2)
    add("s4", "s2", 32, stride=2)
    add("s8", "s4", 48, stride=2)
    add("s8_thin", "s8", 32, size=1)
    add("s8_out", "s8_thin", 48, plus="s8")
    add("s16", "s8_out", 96, stride=2)
    add("s16_thin", "s16", 48, size=1)
    add("s16_out", "s16_thin", 96, plus="s16")
    add("s32", "s16_out", 96, stride=2)
    add("s32_thin", "s32", 48, size=1)
    add("s32_out", "s32_thin", 96, plus="s32")
    add("p32", "s32_out", 48, size=1, relu=False)
    add("p16", "s16_out", 48, size=1, plus="p32", half=True)
    add("p8", "s8_out", 48, size=1, plus="p16", half=True)
    add("n8", "p8", 32)
    add("h8", "n8", len(CLASSES) + 4, size=1, relu=False)
    add("n8_thin", "n8", 16, size=1, relu=False)
    add("p4", "s4", 16, size=1, plus="n8_thin", half=True)
    add("n4", "p4", 16)
    add("h4", "n4", len(CLASSES) + 4, size=1, relu=False)
    return found


HEADS = [Head("h8", 8), Head("h4", 4)]
