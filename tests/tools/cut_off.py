"""A change that stops at a phase, so that something can be killed at that very moment."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator

from .gateway_under_test import HOLD, USER, Gateway, wait_for

# What the module itself notes; it is the program on the host that comes to the others.
BY_MODULE = ("requested", "staged")
PHASES = (*BY_MODULE, "started", "proven", "switched", "serving", "answered", "settled", "undoing")
KINDS = ("module", "controller", "program", "candidate", "old", "manager", "host")
PROGRAM = "litellm-change.service"
STOPPED = f"ps -u {USER} -o pid=,stat= | awk '$2 ~ /^T/ {{print $1}}'"
# A module is a Python that sudo started; what it forked ends with it.
MODULE = """
tree() { for child in $(pgrep -P "$1"); do tree "$child"; done; echo "$1"; }
kill -KILL $(for top in $(pgrep -f '[B]ECOME-SUCCESS'); do tree "$top"; done | sort -u) || true
"""


def possible(kind: str, phase: str) -> bool:
    """Whether there is such a process at that boundary."""
    return phase not in BY_MODULE or kind not in ("program", "candidate")


class CutOff:
    """A change to `text`, held at a phase once `begin` returns."""

    def __init__(self, gateway: Gateway, phase: str, text: str) -> None:
        self.gateway, self.phase, self.text = gateway, phase, text
        self.controller: subprocess.Popen[str] | None = None

    def begin(self, seconds: float = 180) -> None:
        words = ["-e", f"hold={self.phase}"] if self.phase in BY_MODULE else []
        if self.phase == "requested":  # only who asks whether to go back has not chosen yet
            words += ["-e", "entry=rollback", "-e", "gateway_only_if_unhealthy=true"]
        if not words:
            self.gateway.write(HOLD, f"[Service]\nEnvironment=LAB_LLM_HOLD={self.phase}\n")
            self.gateway.user("systemctl --user daemon-reload")
        last = self.gateway.journal().get("id")
        self.controller = self.gateway.start_change(self.text, *words)
        wait_for(lambda: self.is_held(last), seconds, f"the change is held at '{self.phase}'")
        if not words:  # whoever takes it up again is not to be held again
            self.gateway.on(f"rm -f {HOLD}")
            self.gateway.user("systemctl --user daemon-reload")

    def is_held(self, last: str | None) -> bool:
        assert self.controller
        if self.controller.poll() is not None:
            said = self.controller.communicate()[0][-3000:]
            raise AssertionError(f"the change ended before '{self.phase}':\n{said}")
        journal = self.gateway.journal()
        at = journal.get("id") != last and journal.get("phase") == self.phase
        return at and bool(self.gateway.on(STOPPED))

    def kill(self, kind: str) -> None:
        """Kill one thing, or `nothing`, and let the others go on."""
        gateway, journal = self.gateway, self.gateway.journal()
        if kind == "module":
            gateway.on(MODULE)
        elif kind == "controller":
            self.kill_controller()
        elif kind == "host":
            self.kill_controller()  # which would wait for its answer for a long time
            gateway.kill()
            gateway.start()
            return
        elif kind == "manager":
            gateway.on(f"kill -KILL $(pgrep -u {USER} -x systemd)")
        elif kind != "nothing":
            number = journal["number"] if kind == "candidate" else journal["before"]
            unit = PROGRAM if kind == "program" else f"litellm@{number}.service"
            if pid := gateway.main_pid(unit):
                gateway.on(f"kill -KILL {pid}")
        gateway.on(f"kill -CONT $({STOPPED}) 2>/dev/null || true")

    def kill_controller(self) -> None:
        """ansible-playbook with its workers, each of which leads a session of its own."""
        assert self.controller
        for process in list(family(self.controller.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def end(self) -> str:
        """Wait for whoever is left of it; what the controller said."""
        assert self.controller
        said, _ = self.controller.communicate(timeout=300)
        return said

    def clear(self) -> None:
        """Nothing of it is held any more, whatever has gone wrong."""
        self.gateway.on(f"rm -f {HOLD}; kill -CONT $({STOPPED}) 2>/dev/null || true")
        if self.gateway.succeeds(f"pgrep -u {USER} -x systemd"):
            self.gateway.user("systemctl --user daemon-reload")
        if self.controller and self.controller.poll() is None:
            self.kill_controller()
            self.controller.communicate(timeout=30)


def family(process: int) -> Iterator[int]:
    """A process and all that it has started, the youngest last."""
    yield process
    asked = subprocess.run(["pgrep", "-P", str(process)], capture_output=True, text=True)
    for child in asked.stdout.split():
        yield from family(int(child))
