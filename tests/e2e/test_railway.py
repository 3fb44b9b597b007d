"""Results on the bus to bytes at the hub: decision and controller as services, with a real broker and the fake BlueZ.

Bounds are generous, since machines that run tests are busy; each test prints what it measured (pytest -s).
"""
import statistics
import time

import pytest

from bluetooth import bluetooth  # noqa: F401 (a fixture)
from mqtt import broker, needs_mosquitto  # noqa: F401 (a fixture)
from railway import BRAKE, DEADMAN_MS, DISCONNECT, LOW, Railway, Service, now_us, wait_until

pytestmark = [needs_mosquitto, pytest.mark.quiet]
DANGER, SPEED = "DangerAhead", "SpeedLimit"
RAMP = "48 49 4b 4c 4e 4f 51 52 54 55 57 58 5a 5b 5d 5e 60 61 63 64".split()


@pytest.fixture
def railway(broker, bluetooth):
    """Its dead man is patient: a machine that is busy for 300 ms is not what most tests are about."""
    built = Railway(broker, bluetooth, "--deadman", "3s")
    yield built
    built.close()


@pytest.fixture
def watchful(broker, bluetooth):
    """With the dead-man's time as it is by default."""
    built = Railway(broker, bluetooth)
    yield built
    built.close()


def test_signs_become_the_protocols_bytes(railway):
    signs = railway.signs
    # A machine that is busy for 50 ms passes over a step of a ramp, as it should; so there are three tries.
    for _ in range(3):
        before = len(railway.bluetooth.writes())
        signs.see_for(1.5)                      # nothing: away, low to full
        signs.see_for(0.4, (SPEED, 300))        # slow
        signs.see_for(0.3, (SPEED, 300), (DANGER, 100))
        signs.see_for(0.3)
        motor = railway.motor(before)
        if motor == ["46", *RAMP, "46", "7f"]:
            break
        signs.see_for(8)  # until all of it is forgotten, cool-downs too
        railway.controller.post("/disarm")
        railway.controller.post("/arm")
    assert motor == ["46", *RAMP, "46", "7f"]
    lights = [line[-2:] for line in railway.bluetooth.writes()[before:] if line.startswith("08 00 81 01 11 51 00")]
    assert lights[:2] == ["64", "00"]
    colours = [line[-2:] for line in railway.bluetooth.writes()[before:] if line.startswith("08 00 81 32 11 51 00")]
    assert colours == ["06", "07", "09"]


def test_a_stop_is_held_until_the_sign_was_gone_for_a_while(railway):
    railway.drive(0.2)
    before = len(railway.bluetooth.writes())
    railway.signs.see_for(1.5, (DANGER, 100))
    railway.signs.see_for(1)
    sent = railway.motor(before)  # steps of the ramp, perhaps, and the brake
    assert sent[-1] == "7f" and sent.count("7f") == 1
    railway.signs.see_for(2)
    assert railway.motor(before)[len(sent)] == "46"


def test_danger_brakes_during_any_other_action(railway):
    took = []
    for wait in (0.05, 0.1, 0.3, 0.45, 0.6, 0.8, 1.1, 1.4):
        railway.drive(0.1)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            railway.signs.see((SPEED, 300))  # slow: the light blinks for a second
            time.sleep(0.05)
        railway.bluetooth.fake.forget()
        sent = railway.signs.see((DANGER, 100))
        took.append(railway.written(BRAKE) - sent)
        # The next round begins anew: signs and orders are forgotten with their process.
        railway.controller.post("/disarm")
        railway.decision.close()
        railway.decision = Service("decision", railway.broker)
        railway.decision.wait_ready("broker")
        time.sleep(0.1)
        railway.controller.post("/arm")
        railway.bluetooth.fake.forget()
    print(f"danger on the bus to brake at the hub, us: median {statistics.median(took):.0f}, max {max(took)}")
    assert statistics.median(took) < 100_000 and max(took) < 1_000_000


def test_without_results_the_dead_man_brakes(watchful):
    late = []
    for _ in range(4):
        last = watchful.drive(0.3)
        late.append((watchful.written(BRAKE) - last) / 1000 - DEADMAN_MS)
        assert watchful.mode() == "dead"
    print(f"results stop: brake after the dead-man's time, ms: {[round(each, 1) for each in late]}")
    # The time runs from the decision's coming, a little after the picture was taken.
    assert min(late) >= 0 and max(late) < 1000
    assert watchful.controller.metric("railquest_controller_deadman_total") == 4


def test_when_decision_is_killed_the_dead_man_brakes(watchful):
    watchful.drive()
    watchful.decision.kill()
    killed = now_us()
    for _ in range(8):
        watchful.signs.see()
        time.sleep(0.1)
    late = (watchful.written(BRAKE) - killed) / 1000 - DEADMAN_MS
    print(f"decision killed: brake after the dead-man's time, ms: {late:.1f}")
    assert late < 1000 and watchful.mode() == "dead"
    watchful.decision = Service("decision", watchful.broker)
    watchful.decision.wait_ready("broker")
    watchful.signs.see_for(0.5)
    watchful.written(LOW)


def test_when_the_broker_is_killed_the_dead_man_brakes_and_all_comes_back(watchful):
    watchful.drive()
    watchful.broker.kill()
    killed = now_us()
    late = (watchful.written(BRAKE) - killed) / 1000 - DEADMAN_MS
    print(f"broker killed: brake after the dead-man's time, ms: {late:.1f}")
    assert late < 1000 and watchful.mode() == "dead"
    assert watchful.controller.ask("/live")[0] == 200
    assert watchful.controller.ask("/ready")[0] == 503
    watchful.broker.start()
    for service in (watchful.decision, watchful.controller):
        service.wait_ready("broker")
    time.sleep(0.2)
    watchful.signs.reconnect()
    watchful.signs.see_for(0.5)
    watchful.written(LOW)


def test_a_killed_controllers_successor_brakes_first_and_moves_nothing(railway):
    railway.drive()
    railway.controller.kill()
    killed = now_us()
    railway.bluetooth.fake.forget()
    before = len(railway.bluetooth.writes())
    railway.controller = Service("controller", railway.broker, bluetooth=railway.bluetooth)
    took = railway.written("write") - killed
    print(f"controller killed: the next one's brake after {took / 1000:.0f} ms")
    railway.controller.wait_ready("broker", "hub")
    railway.signs.see_for(0.5)
    assert railway.bluetooth.writes()[before] == BRAKE and took < 2_000_000
    assert set(railway.motor(before)) == {"7f"} and railway.mode() == "disarmed"


def test_the_end_brakes_waits_and_disconnects(railway):
    railway.drive()
    before = len(railway.bluetooth.writes())
    assert railway.controller.close() == 0
    told = railway.motor(before)
    # A step of its ramp may have come before; after the brake nothing moves it.
    assert set(told[told.index("7f"):]) == {"7f"} and railway.bluetooth.writes()[-1] == DISCONNECT
    railway.bluetooth.fake.wait_for("disconnect")


def test_a_lost_link_comes_back_braked_and_needs_arming(railway):
    railway.drive()
    before = len(railway.bluetooth.writes())
    railway.bluetooth.order("drop")
    end = time.monotonic() + 10
    while railway.mode() != "disarmed" and time.monotonic() < end:
        railway.signs.see()
        time.sleep(0.1)
    railway.signs.see_for(0.5)
    assert set(railway.motor(before)) == {"7f"}
    assert railway.controller.metric('railquest_hub_links_total{event="lost"}') == 1
    assert railway.controller.post("/arm")[0] == 200
    railway.signs.see_for(0.3)
    railway.written(LOW)


def test_a_hub_that_never_confirms_is_let_go_of_and_braked_anew(railway):
    railway.drive(1.3)
    before = len(railway.bluetooth.writes())
    railway.bluetooth.order("mute on")
    railway.signs.see((DANGER, 100))
    railway.bluetooth.fake.wait_for("disconnect", 5)
    sent = railway.motor(before)
    assert sent == ["7f"] * 4, sent
    railway.bluetooth.order("mute off")
    railway.written(BRAKE)
    railway.wait_mode("disarmed")
    assert "does not say that it brakes" in railway.controller.log()


def test_a_slow_or_busy_stack_brakes_all_the_same(railway):
    railway.drive()
    railway.bluetooth.order("delay 40")
    railway.signs.see_for(0.2)
    took = -railway.signs.see((DANGER, 100)) + railway.written(BRAKE)
    railway.bluetooth.order("delay 0")
    print(f"brake with writes of 40 ms: {took / 1000:.1f} ms")
    assert took < 1_000_000
    railway.signs.see_for(3)
    railway.bluetooth.fake.forget()
    railway.bluetooth.order("busy 5")
    took = -railway.signs.see((DANGER, 400)) + railway.written(BRAKE)
    print(f"brake after five refusals: {took / 1000:.1f} ms")
    assert took < 1_000_000
    assert railway.controller.metric('railquest_hub_messages_total{outcome="retried"}') >= 5


@pytest.mark.parametrize("fault, mode, words", [
    ("error 7", "disarmed", "is it blocked"), ("detach 0", "no-hub", "unplugged")])
def test_what_the_hub_complains_of_brakes_and_disarms(railway, fault, mode, words):
    railway.drive(0.2)
    before = len(railway.bluetooth.writes())
    railway.bluetooth.order(fault)
    end = time.monotonic() + 3
    while railway.mode() != mode and time.monotonic() < end:
        railway.signs.see()  # the ramp goes on: its next step is answered
        time.sleep(0.05)
    assert railway.mode() == mode and "7f" in railway.motor(before)
    assert words in railway.controller.log()
    railway.signs.see_for(0.3)
    assert railway.motor(before)[-1] == "7f"


def test_a_refused_brake_is_sent_again(railway):
    railway.drive(1.4)
    before = len(railway.bluetooth.writes())
    railway.bluetooth.order("error 5")
    railway.signs.see_for(0.4, (DANGER, 100))
    assert railway.motor(before) == ["7f", "7f"]


def test_only_an_allowed_hub_is_connected(broker, bluetooth):
    broker.start()
    bluetooth.order("second")  # nearer than ours
    bluetooth.order("split 3")
    controller = Service("controller", broker, "--allow-hub", "90:84:2b:01:02:03", bluetooth=bluetooth)
    controller.wait_ready("hub")
    wait_until(lambda: controller.metric("railquest_hub_battery_percent") == 91, "no battery")
    assert controller.metric("railquest_hub_rssi_dbm") == -60
    assert controller.close() == 0
    assert {line.split()[2] for line in bluetooth.fake.lines if line.startswith("connect ")} == {"90:84:2B:01:02:03"}


def test_a_low_battery_is_told_once_and_a_weak_one_gets_more_power(broker, bluetooth):
    railway = Railway(broker, bluetooth, "--nominal-volts", "9", "--ramp", "0s", "--low-power", "60", "--full-power", "80")
    for raw in [2900] * 40:  # 7.16 V; smoothed
        bluetooth.order(f"voltage {raw}")
    railway.signs.see_for(0.3)
    wait_until(lambda: "64" in railway.motor(), "no compensation")  # 80 * 9 / 7.16 is more than 100
    for percent in (14, 13, 12):
        bluetooth.order(f"battery {percent}")
    wait_until(lambda: railway.controller.metric("railquest_hub_battery_low") == 1, "not low")
    assert railway.controller.log().count("battery is low") == 1
    railway.close()
