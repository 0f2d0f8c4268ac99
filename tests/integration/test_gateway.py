# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role gateway on a real host: changes, failures, going back, with requests coming in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
USER, BASE, ADDRESS = "gwtest", "/var/lib/gwtest/gateway", "http://127.0.0.1:4100"
KEYS = ("canary-key-number-1", "canary-key-number-2", "canary-key-number-3")
Lab = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.lab


def config(**more: str) -> str:
    """LiteLLM's configuration; `mark` tells one from another, `one` and `fallbacks` break it."""
    fallbacks = more.get("fallbacks", '[{a: ["~two/m"]}]')
    base = "http://127.0.0.1"
    one = f'{{model: {more.get("one", "openai/m")}, api_base: "{base}:7101/v1", api_key: none}}'
    two = f'{{model: openai/m, api_base: "{base}:7102/v1", api_key: os.environ/GWTEST_KEY}}'
    return f"""# {more.get("mark", "")}
model_list:
- {{model_name: a, litellm_params: {one}, model_info: {{id: "~one/m"}}}}
- {{model_name: b, litellm_params: {two}, model_info: {{id: "~two/m"}}}}
router_settings: {{num_retries: 0, fallbacks: {fallbacks}}}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY}}
"""


class Gateway:
    """The gateway under test: change it, look at it, load it."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.file, self.said = lab, folder / "config.yaml", ""

    def start(self, text: str, *words: str, key: str = KEYS[0]) -> subprocess.Popen[str]:
        self.file.write_text(text)
        play = ROOT / "tests/integration/gateway_play.yml"
        argv = ["ansible-playbook", str(play), "-e", f"config_file={self.file}", *words]
        keys = {"GWTEST_KEY": key} if key else {}
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default", **keys}
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.Popen(argv, cwd=ROOT, env=environment, text=True, **pipe)

    def change(self, text: str, *words: str, key: str = KEYS[0]) -> tuple[int, int, str]:
        """Runs the play to its end: exit status, number of changed tasks, output."""
        process = self.start(text, "-vvv", "--diff", *words, key=key)
        said, _ = process.communicate(timeout=500)
        self.said += said
        changed = re.search(r"gateway1 +: ok=\d+ +changed=(\d+)", said)
        return process.returncode, int(changed[1]) if changed else -1, said

    def on(self, command: str) -> str:
        return self.lab("ssh", "gateway1", f"sudo sh -c '{command}'").stdout.strip()

    def user(self, command: str) -> str:
        runtime = f"XDG_RUNTIME_DIR=/run/user/$(id -u {USER})"
        return self.on(f"sudo -u {USER} {runtime} {command}")

    def current(self) -> str:
        return self.on(f"readlink {BASE}/current || true").removeprefix("generations/")

    def serving(self) -> list[str]:
        """The instances that accept on the public socket."""
        words = "systemctl --user list-units --plain --no-legend litellm@*.service"
        units = [line.split()[0] for line in self.user(words).splitlines()]
        shown = {x: self.user(f"systemctl --user show -P StatusText {x}") for x in units}
        return [name for name, status in shown.items() if status == "serving"]

    def answers(self) -> dict[str, object]:
        return self.load(0.1, 2)

    def load(self, seconds: float, rate: float) -> dict[str, object]:
        return json.loads(self.on(self.loading(seconds, rate)).splitlines()[-1])

    def load_during(self, seconds: float, act: Callable[[], object]) -> dict[str, object]:
        """Load while `act` runs."""
        out = "/opt/gwtest/out"
        self.on(f'rm -f {out}; echo "{self.loading(seconds, 6)} >{out}" >/opt/gwtest/load.sh')
        self.on("systemd-run --collect --unit gwtest-load sh /opt/gwtest/load.sh")
        act()
        until = time.monotonic() + seconds + 120
        while not self.on(f"cat {out} 2>/dev/null || true"):
            assert time.monotonic() < until
            time.sleep(1)
        return json.loads(self.on(f"cat {out}"))

    def loading(self, seconds: float, rate: float) -> str:
        key = f"sed -n s/LITELLM_MASTER_KEY=//p {BASE}/secrets.env"
        return f"{key} | python3 /opt/gwtest/load.py {ADDRESS} {seconds} {rate} a"


# Where the proof from outside looks for a gateway, and finds nobody.
NOBODY = "gateway__address=http://127.0.0.1:4109"


@pytest.fixture
def running(gateway: Gateway) -> Gateway:
    """Something serves already, whichever tests were run before."""
    if not gateway.current():
        assert gateway.change(config())[0] == 0
    return gateway


@pytest.fixture(scope="module")
def gateway(the_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(the_lab, tmp_path_factory.mktemp("gateway"))
    gateway.on("mkdir -p /opt/gwtest")
    for name in ("load.py", "upstream.py"):
        text = (ROOT / "tests/tools" / name).read_text()
        command = [str(ROOT / "tests/lab/lab"), "ssh", "gateway1", f"sudo tee /opt/gwtest/{name}"]
        subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)
    for port, name in ((7101, "one"), (7102, "two")):
        gateway.on(
            f"systemd-run --unit gwtest-{name} python3 /opt/gwtest/upstream.py {port} {name}"
        )
    yield gateway
    gateway.on("systemctl stop gwtest-one gwtest-two gwtest-load 2>/dev/null || true")
    gateway.on(f"loginctl disable-linger {USER}; loginctl terminate-user {USER} || true")
    gateway.on(f"while pgrep -u {USER} >/dev/null; do sleep 0.2; done; userdel -rf {USER} || true")


@pytest.mark.nightly
def test_check_mode_on_a_fresh_host(gateway: Gateway) -> None:
    status, changed, said = gateway.change(config(), "--check")
    assert (status, changed > 0) == (0, True), said[-3000:]
    assert "+- {model_name: a" in said
    assert gateway.on(f"id {USER} 2>/dev/null || echo none") == "none"


@pytest.mark.nightly
def test_a_missing_key_stops_before_anything_starts(gateway: Gateway) -> None:
    status, _, said = gateway.change(config(), key="")
    assert status != 0
    assert "no value for GWTEST_KEY" in said
    assert gateway.on(f"ls {BASE}/generations 2>/dev/null || true") == ""


@pytest.mark.nightly
def test_the_first_one_is_taken_down_if_it_does_not_answer(gateway: Gateway) -> None:
    status, _, said = gateway.change(config(), "-e", NOBODY)
    assert status != 0
    assert "does not answer at http://127.0.0.1:4109; nothing serves" in said
    assert gateway.current() == ""
    assert ":4100 " not in gateway.on("ss -ltnH")
    assert gateway.serving() == []


def test_the_first_run_serves(gateway: Gateway) -> None:
    status, changed, said = gateway.change(config())
    assert (status, changed > 0) == (0, True), said[-3000:]
    assert gateway.serving() == [f"litellm@{gateway.current()}.service"]
    assert gateway.answers()["failed"] == 0
    assert gateway.on(f"stat -c %a:%U {BASE}/secrets.env") == f"600:{USER}"
    assert "127.0.0.1:4100" in gateway.on("ss -ltnH")


def test_a_second_run_changes_nothing(running: Gateway) -> None:
    status, changed, said = running.change(config())
    assert (status, changed) == (0, 0), said[-3000:]
    assert len(re.findall(r"^ok: ", said, re.MULTILINE)) <= 6
    assert "All providers healthy" not in said  # nothing is new: nobody is asked
    assert running.change(config(), "--check")[:2] == (0, 0)


REFUSED = "[{model: a, fallback_models: [b]}]"
BROKEN = [
    (
        "what LiteLLM refuses",
        config(fallbacks=REFUSED),
        "exactly one key",
    ),
    pytest.param(
        *("a model that it drops", config(one="nosuchprovider/m"), "missing: a"),
        marks=pytest.mark.nightly,
    ),
    pytest.param(
        *("a provider that is not there", config().replace("7101", "7109"), "Connection error"),
        marks=pytest.mark.nightly,
    ),
]


@pytest.mark.parametrize(("what", "text", "reason"), BROKEN, ids=lambda x: x if len(x) < 40 else "")
def test_what_is_broken_never_serves(running: Gateway, what: str, text: str, reason: str) -> None:
    before = running.current()
    status, _, said = running.change(text)
    assert status != 0, what
    assert reason in said
    assert running.current() == before
    assert running.serving() == [f"litellm@{before}.service"]
    assert running.answers()["failed"] == 0


def test_no_request_is_lost_while_it_changes(running: Gateway) -> None:
    seen = running.load_during(40, lambda: running.change(config(mark="under load")))
    print(f"change under load: {seen}")
    assert seen["failed"] == 0, seen
    assert seen["ok"] > 100
    assert len(running.serving()) == 1


@pytest.mark.nightly
def test_no_request_is_lost_while_it_restarts(running: Gateway) -> None:
    restart = "systemctl --user restart litellm.service"
    seen = running.load_during(40, lambda: running.user(restart))
    print(f"restart under load: {seen}")
    assert seen["failed"] == 0, seen
    assert running.serving() == [f"litellm@{running.current()}.service"]


@pytest.mark.nightly
def test_cut_off_in_the_middle_the_next_run_converges(running: Gateway) -> None:
    before, text = running.current(), config(mark="cut off")
    process = running.start(text)
    until = time.monotonic() + 120
    newest = f"ls {BASE}/generations | sort -n | tail -1"
    staged = running.on(newest)
    while running.on(newest) == staged:
        assert time.monotonic() < until
    running.on(f'kill -9 $(sed -n "s/.*process \\([0-9]*\\),.*/\\1/p" {BASE}/lock)')
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert running.current() == before
    assert running.answers()["failed"] == 0
    assert running.change(text)[0] == 0
    assert running.serving() == [f"litellm@{running.current()}.service"]
    assert running.current() != before


def test_a_changed_key_is_a_new_generation_and_the_way_back_works(running: Gateway) -> None:
    before, text = running.current(), config(mark="another key")
    assert running.change(text, key=KEYS[1])[:2] == (0, 3)
    after = running.current()
    assert after != before
    assert running.change(text, key="")[:2] == (0, 0)  # the host keeps what it has
    assert running.change(text, "-e", "back=previous")[0] == 0
    assert running.current() == before
    assert running.change(text, "-e", "back=99")[0] != 0
    assert running.change(text, "-e", f"back={after}")[0] == 0
    assert running.serving() == [f"litellm@{after}.service"]


def test_what_does_not_answer_from_outside_is_taken_back_whole(running: Gateway) -> None:
    before, held = running.current(), running.on(f"md5sum <{BASE}/secrets.env")
    text = config(mark="taken back")
    status, _, said = running.change(text, "-e", NOBODY, key=KEYS[2])
    assert status != 0
    assert f"generation {before} serves again" in said
    assert running.serving() == [f"litellm@{before}.service"]
    assert running.on(f"md5sum <{BASE}/secrets.env") == held
    assert running.on(f"ls {BASE}/secrets.env.before 2>/dev/null || true") == ""
    newest = running.on(f"ls {BASE}/outcomes | sort -n | tail -1")
    assert json.loads(running.on(f"cat {BASE}/outcomes/{newest}"))["outcome"] == "failed"
    assert running.answers()["failed"] == 0


@pytest.mark.nightly
def test_another_address_and_back(running: Gateway) -> None:
    text = config(mark="cut off")
    bad = config(fallbacks=REFUSED)
    assert running.change(bad, "-e", "gateway_port=4101", key="")[0] != 0
    assert running.answers()["failed"] == 0
    assert running.change(text, "-e", "gateway_port=4101", key="")[0] == 0
    listening = running.on("ss -ltnH")
    assert ":4101 " in listening
    assert ":4100 " not in listening
    assert running.change(text, key="")[0] == 0
    assert running.answers()["failed"] == 0


def test_no_key_is_anywhere_but_in_its_file(running: Gateway) -> None:
    own = running.on(f"sed -n s/LITELLM_MASTER_KEY=//p {BASE}/secrets.env").strip('"')
    assert own.startswith("sk-")
    journal = running.on("journalctl --no-pager -o cat")
    arguments = running.on("ps -eo args")
    for secret in (*KEYS, own):
        for said in (running.said, journal, arguments):
            assert secret not in said
    # The patterns travel by standard input: sudo writes what it runs into the journal.
    words = [str(ROOT / "tests/lab/lab"), "ssh", "gateway1"]
    search = f"sudo grep -rlFf - /var/lib/{USER} /etc /opt/gwtest /var/log /tmp"
    patterns = "\n".join((*KEYS, own))
    found = subprocess.run([*words, search], input=patterns, capture_output=True, text=True)
    assert found.stdout.split() == [f"{BASE}/secrets.env"]
