#!/usr/bin/env python3
"""A long way between two network namespaces: each packet is held for so long, and comes out in order on the other side.

    long_link.py DELAY_MS NAMESPACE ADDRESS NAMESPACE ADDRESS

Says "ready" when all goes this way. The devices go with the process, and then the kernel takes the routes that were there before.
"""
import collections
import fcntl
import os
import select
import struct
import subprocess
import sys
import time

from namespaces import move

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
MOST_WAITING = 1000  # packets each way; as a router's buffer, it ends


def open_end(namespace, own, other):
    """A device in the namespace, through which the other address is reached."""
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    move(fd)
    os.close(fd)
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", b"far", IFF_TUN | IFF_NO_PI))
    for words in (("link", "set", "far", "up", "mtu", "1500"), ("route", "replace", f"{other}/32", "dev", "far", "src", own)):
        subprocess.run(("ip", *words), check=True)
    return end


def main():
    delay_s = float(sys.argv[1]) / 1000
    first, first_address, second, second_address = sys.argv[2:6]
    ends = [open_end(first, first_address, second_address), open_end(second, second_address, first_address)]
    print("ready", flush=True)
    waiting = {end: collections.deque() for end in ends}  # by where they go
    while True:
        due = [queue[0][0] for queue in waiting.values() if queue]
        timeout = max(0, min(due) - time.monotonic()) if due else None
        for end in select.select(ends, [], [], timeout)[0]:
            other = ends[1 - ends.index(end)]
            packet = os.read(end, 65536)
            if len(waiting[other]) < MOST_WAITING:
                waiting[other].append((time.monotonic() + delay_s, packet))
        for end, queue in waiting.items():
            while queue and queue[0][0] <= time.monotonic():
                try:
                    os.write(end, queue.popleft()[1])
                except BlockingIOError:
                    pass  # lost, as packets are


if __name__ == "__main__":
    main()
