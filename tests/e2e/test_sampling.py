"""One race, sampled ever more rarely: what the published rules make of it, and that ours is the same every time."""
import json
import os
import pathlib
import subprocess
import time

import pytest
import yaml

from serving import RAILQUEST, ROOT, Server

SHARED = pathlib.Path(os.environ.get("RAILQUEST_SHARED", ROOT.parent / "shared"))
RULES = SHARED / "opencodequest"
T0, MINUTE, END = 1728047700, 60, 9000  # the constant of the published rules
RACE = {"superman": {"hero": 55, "villain": 85, "fight": 130}, "batman": {"hero": 65, "villain": 70, "fight": 100}}
WEIGHTS, NOMINAL = {"hero": 55, "villain": 25, "fight": 29}, {"hero": 55, "villain": 85, "fight": 130}

# By hand, with the formula of leaderboard.md: w + (r - t)/5 + floor((T - t)/5) + 1 of what is done; the last is the testbed's.
BOARDS = {50: {"superman": 0, "batman": 0},
          60: {"superman": 55 + 2, "batman": 0},
          75: {"superman": 55 + 5, "batman": 55 - 2 + 3 + 25 + 3 + 2},
          150: {"superman": 148, "batman": 162}}


class Sampling:
    """What kube-state-metrics shows of the race at every `step` seconds, a third of one after the full minute."""

    def __init__(self, step):
        self.step, self.phase = step, step // 3
        self.origin = self.phase - step  # the first sample, in seconds after the start
        self.count = (END - self.origin) // step + 1

    def before(self, seconds):
        """How many samples were taken before an instant."""
        return max(0, min(self.count, -(-(seconds - self.origin) // self.step)))

    def rises(self, seconds):
        zeros = self.before(seconds)
        return " ".join(([f"0x{zeros - 1}"] if zeros else []) + ([f"1x{self.count - zeros - 1}"] if zeros < self.count else []))

    def appears(self, seconds, value=1):
        missing = self.before(seconds)
        return " ".join(([f"_x{missing}"] if missing else []) + [f"{value}x{self.count - missing - 1}"])

    def series(self):
        """An exercise is done when the last task's pod of its pipeline has succeeded: its service runs five minutes earlier."""
        for user, minutes in RACE.items():
            for env in ("dev", "preprod", "prod"):
                yield f'kube_namespace_status_phase{{namespace="{user}-workshop-{env}",phase="Active"}}', self.appears(self.origin)
            yield f'kube_deployment_status_replicas_ready{{namespace="{user}-devspaces"}}', self.appears(self.origin)
            for exercise, minute in minutes.items():
                service, done = (minute - 5) * MINUTE, minute * MINUTE
                own = f'namespace="{user}-workshop-prod"'
                yield (f'kube_deployment_status_condition{{{own},deployment="{exercise}",condition="Available",status="true"}}',
                       self.rises(service))
                yield f'kube_pod_status_ready_time{{{own},pod="{exercise}-1"}}', self.appears(service, T0 + service)
                task = f'namespace="{user}-workshop-dev",pod="{user}-{exercise}-run-1-resync-pod"'
                yield f'kube_pod_status_phase{{{task},phase="Succeeded"}}', self.appears(done)
                yield f'kube_pod_completion_time{{{task}}}', self.appears(done, T0 + done)


BONUS = " + ".join(f"opencodequest_leaderboard_{exercise}_lifetime_bonus:prod" for exercise in WEIGHTS)


def rule_test(folder, step, asked):
    """The published rules, out of their two ConfigMaps, evaluated at the instants of the samples: (instant, expression, samples)."""
    sampling = Sampling(step)
    when = lambda seconds: f"{sampling.before(seconds + 1) * step - step}s"
    test = {"rule_files": [str(RULES / "observability-metrics-custom-allowlist.yaml"), str(RULES / "thanos-ruler-custom-rules.yaml")],
            "evaluation_interval": f"{step}s",
            "tests": [{"interval": f"{step}s", "start_timestamp": T0 + sampling.origin,
                       "input_series": [{"series": name, "values": values} for name, values in sampling.series()],
                       "promql_expr_test": [{"eval_time": when(seconds), "expr": expr, "exp_samples": [
                           {"labels": f'{{user="{user}"}}', "value": value} for user, value in expected.items()]}
                           for seconds, expr, expected in asked]}]}
    (folder / "test.yaml").write_text(yaml.safe_dump(test, width=10000))
    return subprocess.run([RAILQUEST, "test", "rules", folder / "test.yaml"], capture_output=True, text=True, timeout=120)


@pytest.mark.skipif(not RULES.is_dir(), reason="the study folder is not here")
@pytest.mark.parametrize("step, count, bonus, ramp", [(30, 3, 325.8, 10), (60, 1, 108.8, 5), (120, 0, None, None), (300, 0, None, 1)])
def test_the_published_rules_pay_what_the_sampling_makes_of_it(tmp_path, step, count, bonus, ramp):
    """
    The numbers of the study, for the player who is on time. It does not say at which phase it evaluated, only that it was not
    the samples'; at a third of the interval these are its numbers to the last digit. 109 are due.
    """
    late = Sampling(step).phase
    paid = {user: round(sum(sum(WEIGHTS[exercise] + (NOMINAL[exercise] - minute) / 5 - (late + again * step) / 300
                                for exercise, minute in minutes.items()) for again in range(count)), 3) for user, minutes in RACE.items()}
    assert bonus is None or paid["superman"] == bonus
    asked = [(END, f"round(sum by (user) ({BONUS}), 0.001)", paid if count else {}),
             # There all are done: it is the bonus that is not there.
             (END, "sum by (user) (" + " + ".join(f"opencodequest_leaderboard_{exercise}:prod" for exercise in WEIGHTS) + ")",
              {user: 3 for user in RACE})]
    if ramp:  # of one exercise in five minutes, where one point is due
        hero = "sum_over_time(opencodequest_leaderboard_hero:prod[1h])"
        asked.append((80 * MINUTE, f"sum by (user) ({hero} - {hero.replace('[1h]', '[1h] offset 5m')})", {user: ramp for user in RACE}))
    told = rule_test(tmp_path, step, asked)
    assert told.returncode == 0, told.stdout + told.stderr


def served_race(folder, base, step):
    """The event's own quest file, on a server that holds the samples."""
    quest = yaml.safe_load((ROOT / "examples/open-code-quest-2024.yaml").read_text())
    quest |= {"start": T0, "step": f"{step}s", "sources": [{"cluster": "metropolis", "prometheus": base, "interval": f"{step}s", "delay": "0s"}]}
    for gone in ("admin", "freeze"):
        quest.pop(gone)
    (folder / "quest.yaml").write_text(yaml.safe_dump(quest))
    return [RAILQUEST, "serve", "--quest", folder / "quest.yaml", "--log", folder / "race.db", "--listen", "127.0.0.1:0"]


@pytest.mark.parametrize("step", [1, 15, 30, 60, 120, 300])
def test_ours_are_the_same_at_every_sampling(tmp_path, step):
    sampling = Sampling(step)
    (tmp_path / "samples.txt").write_text(f"load {step}s\n" + "".join(f"  {name} {values}\n" for name, values in sampling.series()))
    with Server([RAILQUEST, "serve", "--load", tmp_path / "samples.txt", "--load-format", "promqltest", "--load-origin",
                 str(T0 + sampling.origin), "--listen", "127.0.0.1:0"]) as store:
        with Server(served_race(tmp_path, f"http://{store.host}:{store.port}", step)) as server:
            until = time.monotonic() + 120
            while True:
                source, = json.loads(server.request("/api/quest/sources")[2])["sources"]
                if source["observed"] and source["observed"] >= T0 + END + 600:
                    break
                assert time.monotonic() < until, source
                time.sleep(0.1)
            for minute, expected in BOARDS.items():
                body = json.loads(server.request(f"/api/quest/export?format=json&at={T0 + minute * MINUTE}")[2])
                assert {row["user"]: row["score"] for row in body["rows"]} == expected, minute
            for row in body["rows"]:
                assert [mark["low_s"] / MINUTE for mark in row["exercises"]] == list(RACE[row["user"]].values())
                assert all(mark["low_s"] == mark["at_s"] == mark["high_s"] for mark in row["exercises"])
            assert [row["photo_finish"] for row in body["rows"]] == [None, None]
