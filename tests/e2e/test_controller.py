"""The controller on the fake BlueZ, fed with decisions: which bytes reach the hub, and how soon.

Bounds are generous, since machines that run tests are busy; each test prints what it measured (pytest -s).
"""
import json
import signal
import statistics
import time

import pytest

from bluetooth import BUILD, Program, bluetooth  # noqa: F401 (a fixture)

pytestmark = pytest.mark.quiet
DRIVE = BUILD / "tests/support/controller_drive"
BRAKE = "08 00 81 00 11 51 00 7f"
LOW = "08 00 81 00 11 51 00 46"
FULL = "08 00 81 00 11 51 00 64"
DEADMAN_MS = 300


def now_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


class Train:
    def __init__(self, bus):
        self.bus = bus
        self.sequence = 0
        self.drive = Program([DRIVE], bus.address)
        self.drive.wait_for("disarmed")
        self.drive.say("arm")
        self.drive.wait_for("waiting")
        bus.fake.forget()

    def decide(self, order):
        """Sends a decision on a picture that was taken just now; returns when."""
        self.sequence += 1
        sent = now_us()
        self.drive.say(json.dumps({
            "version": 1, "kind": "decision", "trace": "0af7651916cd43dd8448eb211c80319c", "source": "test",
            "boot": "00000000000000000000000000000001", "sequence": self.sequence,
            "clock": "00000000000000000000000000000002", "captured_wall_ms": int(time.time() * 1000),
            "captured_monotonic_us": sent, "deadline_ms": 300, "id": self.sequence, "order": order,
            "reason": "test"}))
        return sent

    def decide_for(self, order, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sent = self.decide(order)
            time.sleep(0.1)
        return sent

    def written(self, message):
        """When the hub got the message, in microseconds on the monotonic clock."""
        return int(self.bus.fake.wait_for(message, 5).split()[1])

    def close(self):
        self.drive.say("quit")
        assert self.drive.close() == 0


def drive_once(bluetooth):
    """Slow, go, stop: the powers and lights that reached the hub."""
    train = Train(bluetooth)
    before = len(bluetooth.writes())
    train.decide_for("slow", 0.3)
    train.decide_for("go", 1.5)
    train.decide_for("stop", 0.3)
    train.close()
    written = bluetooth.writes()[before:]
    assert written[-1] == "04 00 02 02" and "08 00 81 32 11 51 00 09" in written
    return ([line[-2:] for line in written if line.startswith("08 00 81 00 11 51 00")],
            [line[-2:] for line in written if line.startswith("08 00 81 01 11 51 00")])


def test_a_drive_has_the_protocols_bytes(bluetooth):
    ramp = "48 49 4b 4c 4e 4f 51 52 54 55 57 58 5a 5b 5d 5e 60 61 63 64".split()
    # A machine that is busy for 50 ms passes over a step, as it should; so there are three tries.
    for _ in range(3):
        motor, light = drive_once(bluetooth)
        if motor == ["46", *ramp, "7f", "7f"]:  # the last one belongs to the orderly end
            break
    assert motor == ["46", *ramp, "7f", "7f"]
    assert light[:4] == ["64", "00", "64", "00"]


def test_danger_brakes_during_any_other_action(bluetooth):
    train = Train(bluetooth)
    took = []
    for wait in (0.01, 0.08, 0.26, 0.33, 0.45, 0.5, 0.61, 0.7, 0.9, 1.3):
        train.decide("slow")
        train.written(LOW)
        train.decide_for("go", wait)  # within the ramp, within the blinking
        took.append(-train.decide("stop") + train.written(BRAKE))
    train.close()
    print(f"danger to brake at the hub, us: median {statistics.median(took):.0f}, max {max(took)}")
    assert statistics.median(took) < 20_000 and max(took) < 500_000


def test_silence_brakes_when_the_dead_mans_time_is_up(bluetooth):
    train = Train(bluetooth)
    late = []
    for _ in range(5):
        last = train.decide_for("go", 0.3)
        late.append((train.written(BRAKE) - last) / 1000 - DEADMAN_MS)
    train.close()
    print(f"brake after the dead-man's time, ms: median {statistics.median(late):.1f}, max {max(late):.1f}")
    assert min(late) >= 0 and statistics.median(late) < 50 and max(late) < 1000


def test_a_killed_controllers_successor_brakes_first_and_moves_nothing(bluetooth):
    train = Train(bluetooth)
    train.decide_for("go", 0.3)
    train.written(LOW)
    killed = now_us()
    train.drive.process.send_signal(signal.SIGKILL)
    train.drive.process.wait()
    bluetooth.fake.forget()
    before = len(bluetooth.writes())
    successor = Program([DRIVE], bluetooth.address)
    took = train.written("write") - killed
    successor.wait_for("disarmed")
    print(f"kill to brake, ms: {took / 1000:.0f}")
    assert bluetooth.writes()[before] == BRAKE
    assert took < 2_000_000
    successor.say("quit")
    assert successor.close() == 0


def test_a_link_that_comes_back_is_braked_and_waits_for_arming(bluetooth):
    train = Train(bluetooth)
    train.decide_for("go", 0.3)
    bluetooth.fake.forget()
    before = len(bluetooth.writes())
    bluetooth.order("drop")
    train.drive.wait_for("no-hub")
    train.decide_for("go", 1.5)
    train.drive.wait_for("disarmed")
    train.decide_for("go", 0.3)
    motor = [line for line in bluetooth.writes()[before:] if line.startswith("08 00 81 00")]
    assert motor == [BRAKE]
    train.close()


def test_a_slow_or_busy_stack_brakes_all_the_same(bluetooth):
    train = Train(bluetooth)
    train.decide_for("go", 0.3)
    bluetooth.order("delay 40")
    train.decide_for("go", 0.3)
    took = -train.decide("stop") + train.written(BRAKE)
    bluetooth.order("delay 0")
    train.decide_for("slow", 0.2)
    bluetooth.order("busy 5")
    took_busy = -train.decide("stop") + train.written(BRAKE)
    train.close()
    print(f"brake with writes of 40 ms: {took / 1000:.1f} ms; with five refusals: {took_busy / 1000:.1f} ms")
    assert took < 300_000 and took_busy < 300_000


def test_a_hub_that_refuses_the_brake_gets_it_again(bluetooth):
    train = Train(bluetooth)
    train.decide_for("go", 1.6)
    bluetooth.fake.forget()
    before = len(bluetooth.writes())
    bluetooth.order("error 5")
    train.decide_for("stop", 0.5)
    motor = [line for line in bluetooth.writes()[before:] if line.startswith("08 00 81 00")]
    assert motor == [BRAKE, BRAKE]
    train.close()
