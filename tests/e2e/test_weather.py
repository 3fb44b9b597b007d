"""The train's uplink in bad weather: two hosts, a link that is cut, narrow, lossy, long; a real Kafka on the other side.

No time is asserted tightly: `make soak` (tests/soak/weather.py) measures, and this says what must hold however slow the machine.
"""
import time

import pytest

from kafka import needs_kafka
from mqtt import needs_mosquitto
from namespaces import needs_namespaces
from railway import now_us, wait_until
from test_cloud import EVENTS, FRAMES
from weather import Pace, Train, Watcher, two_hosts_with_kafka

pytestmark = [needs_mosquitto, needs_kafka, needs_namespaces, pytest.mark.quiet]
SPOOL_MB = 36  # 9 for events, of which 12,000 take 8; the rest for pictures, of which 6,000 take 85: it must thin
MANY = 6000


@pytest.fixture(scope="module")
def cloud():
    with two_hosts_with_kafka() as both:
        yield both


@pytest.fixture
def line(cloud, tmp_path):
    """(hosts, train, watcher): pictures arrive."""
    hosts, kafka = cloud
    with hosts.cloud:
        kafka.clear()
        kafka.create(EVENTS, FRAMES)
    train = Train(hosts, tmp_path, "--spool-size", SPOOL_MB, kafka=kafka)
    watcher = Watcher(hosts, kafka.address)
    try:
        back(train, watcher)
        yield hosts, train, watcher
        hosts.clear()
        assert train.close(), train.decision.log()
    finally:
        hosts.clear()
        train.close()
        watcher.close()


def back(train, watcher, seconds=60):
    """Live pictures arrive that are taken from now on; how long the first took, in seconds."""
    since = now_us()
    pace = Pace(train)
    try:
        wait_until(lambda: watcher.pictures(late=False, since_us=since),
                   lambda: f"no live picture: {train.ask('/ready')} {train.decision.log()}", seconds)
    finally:
        pace.close()
    return (watcher.pictures(late=False, since_us=since)[0].at_us - since) / 1e6


def drained(train):
    wait_until(lambda: train.waiting() == 0 and train.waiting("picture") == 0,
               lambda: f"{train.waiting()} events and {train.waiting('picture')} pictures wait: {train.decision.log()}", 120)


def check_events(train, watcher, twice=False):
    """Each picture's result and decision is there once and in order; where `twice`, once for who drops ids that it knows."""
    wanted = train.signs.sequence
    wait_until(lambda: len({one.id for one in watcher.events("decision")}) >= wanted,
               lambda: f"{len(watcher.events('decision'))} of {wanted} decisions arrived", 60)
    for kind in ("result", "decision"):
        events, once = watcher.events(kind), {}
        for event in events:
            once.setdefault(event.id, event)
        assert twice or len(events) == len(once), f"{len(events) - len(once)} arrived twice"
        assert [event.sequence for event in once.values()] == list(range(1, wanted + 1)), f"{kind}s are missing or out of order"


def check_pictures(watcher):
    """Live ones once and in order; so the late ones, and at most those that a link broke under are both."""
    live, late = ([one.sequence for one in watcher.pictures(late=is_late)] for is_late in (False, True))
    for name, came in (("live", live), ("late", late)):
        assert all(a < b for a, b in zip(came, came[1:])), f"{name} pictures are out of order or there twice: {came}"
    assert len(set(live) & set(late)) <= 8, "more came twice than can be under way"
    return late


def test_six_thousand_pictures_while_the_link_is_cut(line):
    hosts, train, watcher = line
    hosts.cut()
    first = train.signs.sequence + 1
    train.drive(MANY, danger_every=300)
    assert None not in train.brake_us() and len(train.told()) >= MANY / 300, "the hub was not told each time"
    assert train.metric('railquest_cloud_events_total{outcome="lost"}') == 0
    assert train.spool_bytes() <= SPOOL_MB << 20
    wait_until(lambda: "ok cloud" not in train.ask("/ready"), "it is ready though nothing arrives", 60)
    hosts.clear()
    print(f"the live picture is back after {back(train, watcher):.2f} s")
    drained(train)
    check_events(train, watcher)
    late = [sequence for sequence in check_pictures(watcher) if sequence >= first]
    thinned, newest = train.pictures("thinned"), first + MANY - 1
    assert thinned > MANY / 4 and late[-1] >= newest - 10
    # The oldest lost most, and of every minute there is something.
    fifths = [sum(first + MANY * part // 5 <= sequence < first + MANY * (part + 1) // 5 for sequence in late) for part in range(5)]
    assert 0 < fifths[0] < fifths[4] and min(fifths) > 0, fifths
    assert train.pictures("lost") == 0


def test_a_service_killed_while_its_spool_drains_over_a_narrow_link(line):
    hosts, train, watcher = line
    hosts.cut()
    train.drive(1500, danger_every=300)
    hosts.clear()
    hosts.narrow("8mbit")
    begun = train.signs.sequence
    wait_until(lambda: len(watcher.events("decision")) > begun - 1400, "nothing drains", 60)
    with hosts.train:
        train.decision.kill()
        assert len(watcher.events("decision")) < begun, "all had drained before the kill"
        train.start()
    hosts.clear()
    drained(train)
    check_events(train, watcher, twice=True)


@pytest.mark.parametrize("weather", ["one megabit", "one packet in twenty lost", "a tenth of a second each way"])
def test_live_pictures_are_new_in(line, weather):
    hosts, train, watcher = line
    {"one megabit": lambda: hosts.narrow("1mbit"), "one packet in twenty lost": lambda: hosts.lose(5),
     "a tenth of a second each way": lambda: hosts.lengthen(100)}[weather]()
    since = now_us()
    pace = Pace(train)
    time.sleep(5)
    pace.close()
    hosts.clear()
    drained(train)
    check_events(train, watcher)
    check_pictures(watcher)
    ages = sorted(watcher.ages_us(since))
    print(f"{weather}: {len(ages)} live of {pace.count}, age {ages[len(ages) // 2] / 1e3:.0f} ms, at most {ages[-1] / 1e3:.0f} ms")
    assert len(ages) >= pace.count / 4, "hardly any came live"
    # What is older waits for its turn as backlog, and says so.
    assert ages[-1] < 5e6, f"a picture came as live that was {ages[-1] / 1e6:.1f} s old"
    assert None not in train.brake_us(since)
