# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A provider on trial on real hosts: its share, its failures, its promotion and the way back."""

from __future__ import annotations

import http.client
import json
import math
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tools.lab_hosts import ROOT, Host

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

BASE = "/var/lib/llm/gateway"
AS_LLM = "cd / && sudo -u llm XDG_RUNTIME_DIR=/run/user/$(id -u llm)"
PORTS = {"a": 7201, "b": 7202, "c": 7203}
REGISTRY = """\
# Kept byte for byte, but for the one word.
providers:
  a: {{type: openai_compatible, base_url: "http://{0}:7201", models: [m]}}
  b: {{type: openai_compatible, base_url: "http://{0}:7202", models: [m]}}
  c:
    type: openai_compatible
    base_url:   "http://{0}:7203"
    status: testing   # since today
    traffic: 5%  # slowly
    models: [m]
"""
A, C = "~a/m", "~c/m"


class Lab:
    """The lab's gateway with two providers and one on trial, all of them stand-ins."""

    def __init__(self, play: Callable[..., subprocess.CompletedProcess[str]], folder: Path) -> None:
        self.gateway, self.backend = Host("gateway1"), Host("backend1")
        self.run, self.file = play, folder / "lab.yaml"
        self.key = ""
        self.last_mood = 0.0  # when the last request was asked that may have failed

    def begin(self) -> None:
        for name in ("upstream.py", "moody.py"):
            text = (ROOT / "tests/tools" / name).read_text()
            self.backend.write(f"/opt/canary/{name}", text)
        for name, port in PORTS.items():
            self.backend.on(
                f"systemctl stop canary-{name} 2>/dev/null; systemd-run --quiet --collect --unit"
                f" canary-{name} python3 /opt/canary/moody.py {port} {name}"
            )
        self.file.write_text(REGISTRY.format(self.backend.address))
        self.gateway.on(f"rm -f {BASE}/canary.json")  # of another run's canaries
        done = self.play("site.yml")
        assert done.returncode == 0, done.stdout
        found = re.search('LITELLM_MASTER_KEY="(.*)"', self.gateway.on(f"cat {BASE}/secrets.env"))
        assert found
        self.key = found[1]

    def end(self) -> None:
        self.backend.on(f"systemctl stop {' '.join(f'canary-{name}' for name in PORTS)}; true")

    def play(self, playbook: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run(playbook, "-e", f"llm_registry={self.file.parent}", *words)

    def promote(self, traffic: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.play("promote.yml", "-e", "provider=c", "-e", f"traffic={traffic}", *words)

    def mood(self, provider: str, every: int) -> None:
        """Let every n-th request of a provider fail; 0: none."""
        asked = http.client.HTTPConnection(self.backend.address, PORTS[provider], timeout=10)
        asked.request("PUT", f"/{every}")
        assert asked.getresponse().status == 200
        self.last_mood = time.monotonic()

    def ask(self, times: int, model: str = "m", side_by_side: int = 4) -> Counter[str]:
        """Who answers, as any client asks; what is no answer stands there with its status."""

        def some(_worker: int) -> Counter[str]:
            seen: Counter[str] = Counter()
            asked = http.client.HTTPConnection(self.gateway.address, 4000, timeout=60)
            head = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
            for _ in range(times // side_by_side):
                asked.request("POST", "/v1/chat/completions", json.dumps(body), head)
                answer = asked.getresponse()
                answer.read()
                who = answer.headers.get("x-litellm-model-id", "")
                seen[who if answer.status == 200 else str(answer.status)] += 1
            return seen

        with ThreadPoolExecutor(side_by_side) as pool:
            return sum(pool.map(some, range(side_by_side)), Counter())

    def current(self) -> str:
        return self.gateway.on(f"readlink {BASE}/current").removeprefix("generations/")

    def outcome(self, number: str) -> dict[str, str]:
        return json.loads(self.gateway.on(f"cat {BASE}/outcomes/{number}.json"))

    def look(self) -> str:
        """What the timer runs."""
        return self.gateway.on(f"{AS_LLM} python3 {BASE}/program watch")


@pytest.fixture(scope="module")
def lab(
    the_lab: object,
    play: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lab]:
    made = Lab(play, tmp_path_factory.mktemp("registry"))
    made.begin()
    yield made
    made.end()


def by_chance(seen: int, of: int, share: float) -> float:
    """How probable so many, or something rarer, are with that share (a binomial test)."""
    each = [math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(of + 1)]
    return sum(one for one in each if one <= each[seen] * (1 + 1e-9))


def test_it_gets_its_share_and_what_it_fails_others_answer(lab: Lab) -> None:
    count = lab.ask(420)
    assert set(count) == {A, C}
    assert by_chance(count[C], 420, 0.05) > 1e-4, count
    lab.mood("c", 3)
    count = lab.ask(400)
    assert set(count) == {A, C}  # nobody has seen an error


def test_a_larger_share_is_refused_with_the_numbers(lab: Lab) -> None:
    before, text = lab.current(), lab.file.read_bytes()
    done = lab.promote("25%")
    assert done.returncode != 0
    said = re.search(
        r"c at 5 %: more of its requests fail: (\d+) of (\d+) failed \(.*? %: \1 with 500\), .*? s"
        r" an answer; its peers: 0 of (\d+) failed",
        done.stdout,
    )
    assert said, done.stdout
    failed, own, peers = map(int, said.groups())
    assert own + peers >= 820 + failed  # each request, and the second way of those that failed
    assert failed >= 3
    assert "The registry and the gateway are as before" in done.stdout
    assert (lab.current(), lab.file.read_bytes()) == (before, text)


def test_forced_in_it_is_undone_by_the_timer(lab: Lab) -> None:
    before, text = lab.current(), lab.file.read_text()
    done = lab.promote("25%", "-e", "force=true")
    assert done.returncode == 0, done.stdout
    assert "c gets 25% now, 5% before." in done.stdout
    assert "Forced, although: c at 5 %: more of its requests fail" in done.stdout
    assert lab.file.read_text() == text.replace("traffic: 5%", "traffic: 25%")
    promoted = lab.current()
    assert promoted != before
    count = lab.ask(120)
    assert set(count) == {A, C}
    assert by_chance(count[C], 120, 0.25 * 2 / 3) > 1e-4, count  # a third is answered by others
    said = lab.look()
    assert f"back to generation {before}, where it had 5 %" in said, said
    assert f"generation {before} serves again" in said
    assert lab.current() == before
    outcome = lab.outcome(promoted)
    assert outcome["outcome"] == "undone"
    assert outcome["reason"].startswith("canary c at 25 %: more of its requests fail")
    lab.mood("c", 0)
    done = lab.play("site.yml")  # the registry still says 25%
    assert done.returncode != 0
    assert f"generation {promoted} was the same, and was undone" in done.stdout
    assert lab.current() == before


def test_one_that_is_as_good_goes_all_the_way(lab: Lab) -> None:
    lab.file.write_text(REGISTRY.format(lab.backend.address))
    assert lab.play("site.yml").returncode == 0
    done = lab.promote("25%", "-e", "gateway_canary_min_requests=100000")
    assert done.returncode != 0
    assert "100000 are needed" in done.stdout or "more of its requests fail" in done.stdout
    done = lab.promote("25%", "-e", "force=true")  # what it did before is not forgotten yet
    assert done.returncode == 0, done.stdout
    began = time.monotonic()
    lab.ask(200)
    assert "no worse than its peers" in lab.look()
    # Back to between its last failures and these requests, however fast this machine is.
    window = time.monotonic() - (began + lab.last_mood) / 2
    done = lab.promote("100%", "-e", f"gateway_canary_window_seconds={window:.0f}")
    assert done.returncode == 0, done.stdout
    assert "c is active now, 25% before." in done.stdout
    text = REGISTRY.format(lab.backend.address).replace("    traffic: 5%  # slowly\n", "")
    assert lab.file.read_text() == text.replace("status: testing ", "status: active ")
    assert set(lab.ask(8)) == {A}  # the third in the list
    assert lab.look().count("canary") == 0


def test_a_share_of_nothing_leaves_it_its_own_name(lab: Lab) -> None:
    lab.file.write_text(REGISTRY.format(lab.backend.address))
    lab.mood("c", 0)
    assert lab.play("site.yml").returncode == 0
    lab.mood("c", 1)  # whoever gets less need not answer
    before = lab.current()
    done = lab.promote("0%", "--check")
    assert done.returncode == 0, done.stdout
    assert "c would get 0% now, 5% before." in done.stdout
    assert lab.current() == before
    assert "traffic: 5%" in lab.file.read_text()
    done = lab.promote("0%")
    assert done.returncode == 0, done.stdout
    assert "less of it needs no proof" in done.stdout
    assert set(lab.ask(40)) == {A}
    lab.mood("c", 0)
    done = lab.promote("5%")  # and again from the start: now it has to answer
    assert done.returncode == 0, done.stdout
    assert "c gets 5% now, 0% before." in done.stdout
    assert set(lab.ask(4, "testing/m")) == {f"{C}#testing/m"}
