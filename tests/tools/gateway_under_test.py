"""A gateway of its own on the lab's gateway host, with stand-ins for providers behind it: change
it, look at it, load it, end it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .lab_hosts import ROOT, Host, ansible_environment, wait_for, without
from .load import Row
from .load_report import Report, generation, parse

USER, HOME, PORT = "gwtest", "/var/lib/gwtest", 4100
BASE = f"{HOME}/gateway"
HOLD = f"{HOME}/.config/systemd/user/litellm-change.service.d/hold.conf"  # of cut_off.py
UPSTREAMS = {"one": 7101, "two": 7102}
KEYS = ("canary-key-number-1", "canary-key-number-2", "canary-key-number-3")
MASTER = "sk-canary-master-0123456789"
LOAD = ROOT / "tests/tools/load.py"
RATE = 20.0  # requests a second
AT_REST = {"left behind": "", "journal is over": True, "serving": 1, "serving is current": True}
EACH_STATUS = """for unit in $($run systemctl --user list-units --plain --no-legend \\
'litellm@*.service' | awk '{print $1}'); do
  echo "$unit $($run systemctl --user show -P StatusText $unit)"
done"""


class Load:
    """A load under way."""

    def __init__(self, address: str, out: Path, rate: float = RATE, model: str = "a") -> None:
        self.out = out
        argv = [sys.executable, str(LOAD), address, str(rate), model]
        with out.open("w") as file:
            self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=file, text=True)
        assert self.process.stdin
        self.process.stdin.write(f"{MASTER}\n")
        self.process.stdin.flush()

    def report(self) -> Report:
        """What has come to its end so far."""
        return parse(self.out.read_text().splitlines())

    def end(self) -> Report:
        """Send no more, and wait for what is under way."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(180) == 0
        return self.report()

    def first(self, since: float, mark: str = "", seconds: float = 120) -> Row:
        """The first request that was sent since then and answered (with this mark), once there is.

        A stream counts only when it has come to its end: by then a plain one has long been there.
        """

        def found() -> list[Row]:
            rows = [row for row in self.report().answered if row.sent >= since]
            return [row for row in rows if not mark or generation(row) == mark]

        wait_for(found, seconds, f"an answer{' of ' * bool(mark)}{mark}")
        return min(found(), key=lambda row: row.first)


class Gateway(Host):
    """The gateway under test. Every configuration has a mark, which its answers carry."""

    def __init__(self, folder: Path) -> None:
        super().__init__("gateway1")
        self.backend = Host("backend1")
        self.folder, self.said, self.loads = folder, "", 0
        self.url = f"http://{self.address}:{PORT}"

    def prepare(self) -> None:
        """The stand-ins, on a host that nobody ends."""
        self.backend.write(
            "/opt/gwtest/upstream.py", (ROOT / "tests/tools/upstream.py").read_text()
        )
        for name, port in UPSTREAMS.items():
            self.backend.on(
                f"systemctl stop gwtest-{name} 2>/dev/null; systemd-run --quiet --collect --unit"
                f" gwtest-{name} python3 /opt/gwtest/upstream.py {port} {name}"
            )

        if self.succeeds(f"test -e {HOLD}"):  # a test that was interrupted
            self.on(f"rm -f {HOLD}; pkill -CONT -u {USER} || true")
            self.user("systemctl --user daemon-reload")

    def remove(self) -> None:
        """The user with all that it has, and the stand-ins."""
        self.on(without(USER))
        self.backend.on(f"systemctl stop {' '.join(f'gwtest-{x}' for x in UPSTREAMS)}; true")

    # --- what it is to serve ---

    def config(self, mark: str, **more: str) -> str:
        """LiteLLM's configuration; `one`, `two`, `fallbacks` and `models` make it another."""
        fallbacks = more.get("fallbacks", f'[{{a: ["~two@{mark}/m"]}}]')
        base = f"http://{self.backend.address}"
        one = f'{{model: {more.get("one", "openai/m")}, api_base: "{base}:7101/v1", api_key: none}}'
        two = (
            f'{{model: {more.get("two", "openai/m")}, api_base: "{base}:7102/v1",'
            " api_key: os.environ/GWTEST_KEY}"
        )
        return f"""# {mark}
model_list:
- {{model_name: a, litellm_params: {one}, model_info: {{id: "~one@{mark}/m"}}}}
- {{model_name: b, litellm_params: {two}, model_info: {{id: "~two@{mark}/m"}}}}
{more.get("models", "")}
router_settings: {{num_retries: 0, fallbacks: {fallbacks}}}
general_settings: {{master_key: os.environ/LITELLM_MASTER_KEY}}
"""

    # --- change it ---

    def start_change(
        self, text: str, *words: str, key: str = KEYS[0], **environment: str
    ) -> subprocess.Popen[str]:
        """ansible-playbook with the role, under way."""
        file = self.folder / "config.yaml"
        file.write_text(text)
        mark = text.split("\n", 1)[0].removeprefix("# ")
        argv = ["ansible-playbook", str(ROOT / "tests/integration/gateway_play.yml")]
        argv += ["-e", json.dumps({"config_file": str(file), "mark": mark}), *words]
        given = {"LITELLM_MASTER_KEY": MASTER, "ANSIBLE_STDOUT_CALLBACK": "default", **environment}
        if key:
            given["GWTEST_KEY"] = key
        return subprocess.Popen(
            argv,
            cwd=ROOT,
            env=ansible_environment(**given),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def change(self, text: str, *words: str, key: str = KEYS[0]) -> tuple[int, int, str]:
        """Runs it to its end: exit status, number of changed tasks, output."""
        process = self.start_change(text, "-vvv", "--diff", *words, key=key)
        said, _ = process.communicate(timeout=900)
        self.said += said
        changed = re.search(r"gateway1 +: ok=\d+ +changed=(\d+)", said)
        return process.returncode, int(changed[1]) if changed else -1, said

    def serve(self, mark: str, *words: str, **more: str) -> None:
        """Have this configuration serve."""
        status, _, said = self.change(self.config(mark, **more), *words)
        assert status == 0, said[-4000:]

    # --- look at it ---

    def user(self, command: str) -> str:
        """A command of the user's, as docs/gateway.md says it."""
        return self.on(f"cd / && {as_user()} {command}")

    def current(self) -> str:
        return self.on(f"readlink {BASE}/current || true").removeprefix("generations/")

    def mark(self) -> str:
        """The mark of what `current` names."""
        return self.on(f"head -n 1 {BASE}/current/config.yaml").removeprefix("# ")

    def instances(self) -> dict[str, str]:
        """What each instance that runs says of itself, by generation."""
        said = self.on(f'cd /; run="{as_user()}"; {EACH_STATUS}')
        pairs = (line.partition(" ") for line in said.splitlines())
        return {u.removeprefix("litellm@").removesuffix(".service"): text for u, _, text in pairs}

    def serving(self) -> list[str]:
        """The generations whose instance accepts on the public socket."""
        return [number for number, status in self.instances().items() if status == "serving"]

    def journal(self) -> dict[str, Any]:
        """The journal of the change under way or of the last one."""
        return json.loads(self.on(f"cat {BASE}/change.json 2>/dev/null || echo {{}}"))

    def main_pid(self, unit: str) -> str:
        """The process of a unit, "" if it has none."""
        return self.user(f"systemctl --user show -P MainPID {unit}").removeprefix("0")

    def let_change_end(self, seconds: float = 120) -> None:
        """Until no program is at a change any more; the user's systemd may be down just now."""
        there = f"{as_user()} systemctl --user show -P MainPID litellm-change.service"
        wait_for(
            lambda: self.succeeds(
                f'cd /; id {USER} >/dev/null 2>&1 || exit 0; pid=$({there}) && test "$pid" = 0'
            ),
            seconds,
            "the program comes to an end",
        )

    def at_rest(self) -> dict[str, object]:
        """What is left of a change; where it is over, this is `AT_REST`."""
        left = f"ls {BASE} | grep -E '^(candidate|secrets-.*[.]env)$' || true"
        return {
            "left behind": self.on(left),
            "journal is over": self.journal().get("result") is not None,
            "serving": len(self.serving()),
            "serving is current": self.serving() == [self.current()],
        }

    def outcome(self, number: str) -> dict[str, Any]:
        return json.loads(self.on(f"cat {BASE}/outcomes/{number}.json 2>/dev/null || echo {{}}"))

    def answers(self, model: str = "a") -> str:
        """The mark of who answers one request now, or what it says instead."""
        with self.load(rate=40, model=model) as load:
            wait_for(lambda: load.report().rows, 130, "an end of a request")
        seen = [r for r in load.report().rows if not r.stream] or load.report().rows
        return seen[0].error or generation(seen[0])

    # --- load it ---

    @contextlib.contextmanager
    def load(self, address: str = "", rate: float = RATE, model: str = "a") -> Iterator[Load]:
        """Load while the body runs; afterwards `report()` of what it yields has all of it."""
        self.loads += 1
        load = Load(address or self.url, self.folder / f"load-{self.loads}", rate, model)
        try:
            yield load
        finally:
            load.end()

    def load_during(self, act: Callable[[], object], before: float = 3, after: float = 3) -> Report:
        """Load before, while and after something happens."""
        with self.load() as load:
            self.let_pass(load, before)
            act()
            self.let_pass(load, after)
        return load.report()

    @staticmethod
    def let_pass(load: Load, seconds: float) -> None:
        """Until requests have been answered that were sent so long after now."""
        load.first(time.monotonic() + seconds)


def as_user() -> str:
    return f"sudo -u {USER} XDG_RUNTIME_DIR=/run/user/$(id -u {USER})"


@contextlib.contextmanager
def gateway_under_test() -> Iterator[Gateway]:
    """One that has its stand-ins and serves nothing yet; nothing of it is left afterwards."""
    keep = bool(os.environ.get("LAB_LLM_KEEP"))  # to look at what a test has left, or to go on
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder:
        gateway = Gateway(Path(folder))
        gateway.prepare()
        try:
            yield gateway
        finally:
            if not keep:
                gateway.remove()
