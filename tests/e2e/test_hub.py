"""The BlueZ driver against the fake BlueZ: what reaches the hub, in which order, and what happens when things fail."""
import shutil
import time

import pytest

from bluetooth import Program, bluetooth  # noqa: F401 (a fixture)

BRAKE = "08 00 81 00 11 51 00 7f"
TRAIN = "90:84:2B:01:02:03"
NEIGHBOUR = "90:84:2B:0A:0B:0C"
DISCONNECT = "04 00 02 02"


def power(percent):
    return f"08 00 81 00 11 51 00 {percent & 0xff:02x}"


def at_us(line):
    return int(line.split()[1])


def events(bus, *kinds):
    return [line.split()[0] for line in bus.fake.lines if line.split()[0] in kinds]


def test_the_hub_is_found_braked_and_asked_about_itself(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("ready (the hub is braked)")
    bluetooth.fake.wait_for("write")
    assert events(bluetooth, "search", "calm", "connect", "notify") == ["search", "calm", "connect", "notify"]
    assert "connect-while-searching" not in "\n".join(bluetooth.fake.lines)
    drive.wait_for("property 3 389485840")  # the last question's answer: firmware 1.7.37.1510
    assert bluetooth.writes() == [
        BRAKE, "05 00 01 06 02", "05 00 01 05 02", "05 00 01 02 02", "05 00 03 01 01",
        "0a 00 41 3c 00 0a 00 00 00 01", "0a 00 41 32 00 01 00 00 00 00", "05 00 01 03 05"]
    said = "\n".join(drive.lines)
    for line in ("attached 0 2", "attached 1 8", "property 6 91", "property 5 -60", "value 60 3400", "alert 1 off"):
        assert line in said
    assert drive.close() == 0


def test_orders_arrive_as_the_protocols_bytes(bluetooth):
    drive = bluetooth.drive(TRAIN)
    drive.wait_for("property 3")
    bluetooth.fake.forget()
    for order in ("power 70", "power 100", "power -50", "light 100", "light 0", "brake"):
        drive.say(order)
        bluetooth.fake.wait_for(" 11 51 00")
    assert bluetooth.writes()[8:] == [power(70), power(100), power(-50), "08 00 81 01 11 51 00 64",
                                      "08 00 81 01 11 51 00 00", BRAKE]
    assert drive.close() == 0


def test_an_orderly_stop_brakes_waits_and_disconnects(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    drive.say("power 80")
    bluetooth.fake.wait_for(power(80))
    drive.say("stop")
    drive.wait_for("stopped (stopped)")
    bluetooth.fake.wait_for("disconnect")
    assert bluetooth.writes()[-2:] == [BRAKE, DISCONNECT]
    assert drive.process.wait(5) == 0


@pytest.mark.parametrize("allowed", [NEIGHBOUR.lower(), TRAIN])
def test_only_an_allowed_hub_is_connected(bluetooth, allowed):
    bluetooth.order("second")
    drive = bluetooth.drive(allowed)
    drive.wait_for("ready")
    connected = [line.split()[2] for line in bluetooth.fake.lines if line.startswith("connect ")]
    assert connected == [allowed.upper()]
    drive.close()


def test_without_an_allowed_hub_it_goes_on_searching(bluetooth):
    drive = bluetooth.drive("00:00:00:00:00:00")
    drive.wait_for("searching (no allowed hub is in sight)")
    time.sleep(0.5)
    assert events(bluetooth, "connect") == []
    drive.close()


def test_a_lost_link_comes_back_braked(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    drive.say("power 100")
    bluetooth.fake.wait_for(power(100))
    bluetooth.fake.forget()
    bluetooth.order("drop")
    lost = at_us(drive.wait_for("down (the link to the hub is lost)"))
    ready = at_us(drive.wait_for("ready"))
    assert 200_000 <= ready - lost < 5_000_000
    first = bluetooth.fake.wait_for("write")
    assert first.endswith(BRAKE)
    time.sleep(0.2)
    assert power(100) not in bluetooth.writes()[bluetooth.writes().index(power(100)) + 1:]
    drive.close()
    assert "connected=2 lost=1" in drive.lines[-1]


def test_waits_between_tries_grow(bluetooth):
    bluetooth.order("deaf 3")
    drive = bluetooth.drive()
    drive.wait_for("ready")
    downs = [at_us(line) for line in drive.lines if " down " in line]
    nexts = [at_us(line) for line in drive.lines if " connecting " in line][1:]
    waits = [after - before for before, after in zip(downs, nexts)]
    assert len(waits) == 3
    # Upper bounds are wide: the machine may be busy.
    assert 200_000 <= waits[0] < 2_000_000 and 400_000 <= waits[1] < 3_000_000 and 800_000 <= waits[2] < 4_000_000
    drive.close()


def test_a_busy_stack_gets_the_brake_again_until_it_takes_it(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    bluetooth.order("busy 3")
    drive.say("brake")
    bluetooth.fake.wait_for(BRAKE)
    drive.close()
    assert "retried=3 failed=0" in drive.lines[-1]


def test_a_refused_write_ends_the_link_and_the_next_one_begins_with_the_brake(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    bluetooth.order("refuse 1")
    before = len(bluetooth.writes())
    drive.say("power 60")
    drive.wait_for("down (the hub takes no messages)")
    drive.wait_for("ready")
    assert bluetooth.writes()[before] == BRAKE
    drive.close()


def test_with_a_slow_stack_a_brake_overtakes_what_waits(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    bluetooth.order("delay 50")
    before = len(bluetooth.writes())
    for order in ["light 10"] + [f"power {percent}" for percent in range(50, 60)] + ["light 20", "brake"]:
        drive.say(order)
    bluetooth.fake.wait_for("11 51 00 14")
    # The light was on its way; the powers are out of date; the brake goes before the second light.
    written = bluetooth.writes()[before:]
    assert written[0] == "08 00 81 01 11 51 00 0a"
    assert written.index(BRAKE) < written.index("08 00 81 01 11 51 00 14")
    assert len(written) < 10
    bluetooth.order("delay 0")
    drive.close()


def test_split_notifications_are_put_together(bluetooth):
    bluetooth.order("split 3")
    drive = bluetooth.drive()
    drive.wait_for("property 3 389485840")
    assert "attached 0 2" in drive.lines and "property 6 91" in drive.lines
    drive.close()
    assert "broken=0" in drive.lines[-1]


def test_what_the_hub_says_comes_through(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    for command, line in (("battery 9", "property 6 9"), ("voltage 3000", "value 60 3000"),
                          ("alert on", "alert 1 on"), ("detach 0", "detached 0"), ("attach 0", "attached 0 2")):
        bluetooth.order(command)
        drive.wait_for(line)
    for code in (5, 7):
        bluetooth.order(f"error {code}")
        drive.say("power 70")
        drive.wait_for(f"error 129 {code}")
    drive.close()


def test_without_a_motor_it_is_ready_after_a_while_and_says_so(bluetooth):
    bluetooth.order("detach 0")
    drive = bluetooth.drive()
    drive.wait_for("ready (the hub is braked, but has no motor on port A)")
    drive.close()


def test_bluez_may_come_late_go_and_come_back(bluetooth):
    bluetooth.fake.close()
    drive = bluetooth.drive()
    time.sleep(0.3)
    bluetooth.start_fake()
    drive.wait_for("ready")
    bluetooth.fake.process.kill()
    drive.wait_for("down (BlueZ has gone)")
    bluetooth.start_fake()
    drive.wait_for("ready")
    drive.close()


def test_an_adapter_that_is_off_is_switched_on(bluetooth):
    bluetooth.order("power off")
    drive = bluetooth.drive()
    drive.wait_for("ready")
    assert "power-on" in events(bluetooth, "power-on")
    drive.close()


def test_a_restarted_program_takes_over_the_connection_and_brakes_first(bluetooth):
    drive = bluetooth.drive()
    drive.wait_for("property 3")
    drive.say("power 100")
    bluetooth.fake.wait_for(power(100))
    drive.process.kill()
    drive.process.wait()
    before = len(bluetooth.writes())
    begun = time.monotonic()
    drive = bluetooth.drive()
    drive.wait_for("ready")
    assert time.monotonic() - begun < 2
    assert bluetooth.writes()[before] == BRAKE
    drive.close()


def test_stock_bluetoothctl_scans_connects_notifies_and_writes(bluetooth):
    if not shutil.which("bluetoothctl"):
        pytest.skip("bluetoothctl is not installed (./setup --test)")
    control = Program(["bluetoothctl"], bluetooth.address)
    path = "/org/bluez/hci0/dev_90_84_2B_01_02_03/service000c/char000d"
    time.sleep(0.5)
    for line, answer in (("menu scan", None), ("uuids 00001623-1212-efde-1623-785feabcd123", None),
                         ("transport le", None), ("back", None), ("scan on", "90:84:2B:01:02:03 Train"),
                         ("scan off", None), (f"connect {TRAIN}", "Connection successful"),
                         ("menu gatt", None), (f"select-attribute {path}", None), ("notify on", "Notify started"),
                         ('write "0x08 0x00 0x81 0x00 0x11 0x51 0x00 0x46"', "05 00 82 00 0a"),
                         ('write "0x05 0x00 0x01 0x06 0x05"', "06 00 01 06 06 5b")):
        control.say(line)
        control.wait_for(answer) if answer else time.sleep(0.2)
    control.say("quit")
    control.close()
    assert bluetooth.writes() == [power(70), "05 00 01 06 05"]
