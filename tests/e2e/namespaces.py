"""Two hosts on this machine, the train's and the cloud's, with a link between them that can be cut, narrow, lossy or long.

Each host is a network namespace; `with hosts.train:` moves the calling thread into it, so that sockets, threads and
programs that are started inside belong there. Needs root, ip, tc and nft. What a killed test left is removed by the next.
"""
import contextlib
import ctypes
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

import pytest

CLONE_NEWNET = 0x40000000
TRAIN, CLOUD = "10.213.0.1", "10.213.0.2"  # inside the namespaces alone: of nobody's concern
COUNT = itertools.count()
LIBC = ctypes.CDLL(None, use_errno=True)


def run(*words, check=True, text=None):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, input=text)
    assert not check or done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"
    return done.stdout


def why_not():
    """Why there can be no such hosts here; "" where there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [command for command in ("ip", "tc", "nft") if not shutil.which(command)]
    if missing:
        return f"no {', '.join(missing)} (./setup --test)"
    name = f"rq-{os.getpid()}-probe"
    try:
        run("ip", "netns", "add", name)
        run("ip", "netns", "exec", name, "ip", "link", "add", "one", "type", "veth", "peer", "name", "two")
        run("ip", "netns", "exec", name, "tc", "qdisc", "replace", "dev", "one", "root", "tbf", "rate", "1mbit", "burst", "16kb",
            "latency", "400ms")
        run("ip", "netns", "exec", name, "nft", "-f", "-", text=rules("numgen random mod 100 < 5 drop"))
        return ""
    except AssertionError as error:
        return f"this kernel will not: {str(error).strip()[:200]}"
    finally:
        run("ip", "netns", "del", name, check=False)


def rules(verdict):
    """What comes in over the link meets this; a ruleset that replaces the one before."""
    return ("table inet weather {}\nflush table inet weather\n"
            "table inet weather { chain input { type filter hook input priority 0; "
            + (f'iifname {{ "wire", "far" }} {verdict};' if verdict else "") + " }\n}\n")


def tidy():
    """What tests left whose process is gone: their programs, and their namespaces."""
    for line in run("ip", "netns", "list", check=False).splitlines():
        found = re.match(r"(rq-(\d+)-\S+)", line)
        if found and not pathlib.Path(f"/proc/{found[2]}").exists():
            remove(found[1])


def remove(name):
    for pid in run("ip", "netns", "pids", name, check=False).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    run("ip", "netns", "del", name, check=False)


def move(fd):
    if LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Host:
    def __init__(self, name, address):
        self.name, self.address = name, address
        self.before = []
        run("ip", "netns", "add", name)
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self):
        self.before.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        move(self.fd)
        return self

    def __exit__(self, *_):
        before = self.before.pop()
        move(before)
        os.close(before)

    def run(self, *words, **more):
        return run("ip", "netns", "exec", self.name, *words, **more)

    def close(self):
        os.close(self.fd)
        remove(self.name)


class Hosts:
    """The device is `wire` in both. One thread at a time changes the weather."""

    def __init__(self):
        tidy()
        mark = f"rq-{os.getpid()}-{next(COUNT)}"
        self.delayer = None
        self.train = self.cloud = None
        try:
            self.train = Host(f"{mark}-train", TRAIN)
            self.cloud = Host(f"{mark}-cloud", CLOUD)
            run("ip", "link", "add", "name", "wire", "netns", self.train.name, "type", "veth", "peer", "name", "wire", "netns", self.cloud.name)
            for host in self.both():
                host.run("ip", "address", "add", f"{host.address}/24", "dev", "wire")
                host.run("ip", "link", "set", "wire", "up")
                # What trains and clouds have unless somebody chose otherwise.
                host.run("sysctl", "-q", "-w", "net.ipv4.tcp_congestion_control=cubic", check=False)
        except BaseException:
            self.close()
            raise

    def both(self):
        return [host for host in (self.train, self.cloud) if host]

    def cut(self):
        """Nothing gets through, and nobody is told: a tunnel, a dead cell."""
        self.fall("drop")

    def unplug(self):
        """The train's side has no carrier: what it sends fails at once."""
        self.train.run("ip", "link", "set", "wire", "down")

    def lose(self, percent):
        self.fall(f"numgen random mod 100 < {percent} drop")

    def fall(self, verdict):
        for host in self.both():
            host.run("nft", "-f", "-", text=rules(verdict))

    def narrow(self, rate):
        """Both ways, with a buffer of 0.4 s behind which the rest is dropped."""
        for host in self.both():
            host.run("tc", "qdisc", "replace", "dev", "wire", "root", "tbf", "rate", rate, "burst", "16kb", "latency", "400ms")

    def lengthen(self, delay_ms):
        """Every packet takes so long, each way, through a process of ours (long_link.py)."""
        self.delayer = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("long_link.py"), str(delay_ms), self.train.name, self.train.address,
             self.cloud.name, self.cloud.address], stdout=subprocess.PIPE, text=True)
        assert self.delayer.stdout.readline() == "ready\n", "the long link is not there"

    def clear(self):
        """A good link again."""
        self.fall("")
        self.train.run("ip", "link", "set", "wire", "up")
        for host in self.both():
            host.run("tc", "qdisc", "del", "dev", "wire", "root", check=False)
        self.shorten()

    def shorten(self):
        if self.delayer:
            self.delayer.terminate()  # with it go its devices, and the routes through them
            self.delayer.wait(10)
            self.delayer = None

    def close(self):
        self.shorten()
        for host in self.both():
            host.close()


WHY_NOT = why_not()
needs_namespaces = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


@contextlib.contextmanager
def two_hosts():
    hosts = Hosts()
    try:
        yield hosts
    finally:
        hosts.close()
