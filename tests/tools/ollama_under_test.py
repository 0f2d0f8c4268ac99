# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One instance of the role ollama on a lab host, whose program is the stand-in of the lab.

Everything that its user has is on a small disk of its own, which a test can fill.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit import machine
from labkit.artifacts import served_folder
from labkit.shell import as_root, run

from .backend_under_test import HOST, BackendHost, Result
from .ollama_stand_in_models import offer

USER, HOME, PORT = "llmollama", "/var/lib/llmollama", 18184
UNIT = "ollama-o1.service"
STORE = f"{HOME}/ollama/stores/o1/models"
DISK = 700  # MB
HELPFUL = "You are a helpful assistant."
FAULTS = {"gone": {"error": "max retries exceeded: EOF"}, "slow": {"stall": 60}}


class OllamaHost(BackendHost):
    """The host, its instance of the stand-in, and the library that this pulls from."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, USER)
        self.release = self.served["ollama"]
        self.library = served_folder(self.lab) / "ollama-library"
        self.model = served_folder(self.lab) / "models" / self.served["model"]["name"]
        self.mirror = f"http://{self.lab.mirror}"
        offer(self.library, "smollm2:135m", self.model)
        for name, fault in FAULTS.items():
            offer(self.library, f"{name}:1b", b"GGUF and no more", **fault)
        offer(self.library, "large:70b", 10**13)
        offer(self.library, "creeping:1b", b"GGUF" + bytes(20_000_000), slow=2.5)

    def spec(self, **changes: Any) -> dict[str, Any]:
        environment = {"STAND_IN_LIBRARY": f"{self.mirror}/ollama-library"}
        return {
            "provider": "o1",
            "engine": "ollama",
            "host": HOST,
            "address": self.address,
            "bind": self.address,
            "port": PORT,
            "version": None,
            "unit": UNIT,
            "models": [tagged("smollm2:135m")],
            "options": {"keep_alive": "1h"},
            "limits": {},
            "gpus": [],
            "key_variable": None,
            "health_url": f"http://{self.address}:{PORT}/api/version",
            **changes,
            "environment": environment | changes.get("environment", {}),
        }

    def inside(self, *argv: str) -> None:
        """Run by this machine among the mounts of the host, which may not mount by itself."""
        container = self.lab.container(HOST)
        found = run(
            machine.podman(self.lab, "inspect", "-f", "{{.State.Pid}}", container), timeout=60
        )
        run(as_root(["nsenter", "-t", found.stdout.strip(), "-m", "-p", *argv]), timeout=60)

    def unmount(self) -> None:
        if self.shell(f"mountpoint -q {HOME} && echo yes; true"):
            self.inside("umount", "-l", HOME)
        self.shell(f"rm -rf {HOME}")

    def run(self, *words: str, under_test: str = "ollama", **changes: Any) -> Result:
        """The role with one instance; `ollama_...` are its variables, the rest the instance's."""
        own = {key: changes.pop(key) for key in list(changes) if key.startswith("ollama_")}
        variables = {
            "ollama_services": [self.spec(**changes)],
            "ollama_version": self.release["version"],
            "ollama_archive_url": self.release["url"],
            "ollama_archive_sha256": self.release["sha256"],
            **own,
        }
        return self.play(*words, under_test=under_test, **variables)

    def earlier(self) -> dict[str, Any]:
        """The variables of the release before."""
        return {
            "ollama_version": self.release["earlier"]["version"],
            "ollama_archive_url": self.release["earlier"]["url"],
            "ollama_archive_sha256": self.release["earlier"]["sha256"],
        }

    def version(self) -> str:
        return str(self.ask(PORT, "/api/version")[1]["version"])

    def names(self) -> list[str]:
        return [one["name"] for one in self.ask(PORT, "/api/tags")[1]["models"]]

    def says(self, model: str = "smollm2:135m", system: str = HELPFUL) -> str:
        """What a model says of France, of which the real one knows the capital if it is helpful."""
        messages = [{"role": "system", "content": system}] if system else []
        messages.append({"role": "user", "content": "What is the capital of France?"})
        asked = {"model": model, "messages": messages, "stream": False}
        status, answer = self.ask(PORT, "/api/chat", {**asked, "options": {"temperature": 0}})
        assert status == 200
        return str(answer["message"]["content"])

    def pid(self) -> str:
        return self.systemctl(f"systemctl --user show -P MainPID {UNIT}").strip()


def tagged(tag: str, name: str = "", **block: Any) -> dict[str, Any]:
    """A model of the library, with a block like a Modelfile if one is given."""
    more = {"modelfile": block} if block else {}
    return {"name": name or tag, "source": {"ollama": tag, **more}}


@contextlib.contextmanager
def ollama_host(folder: Path) -> Iterator[OllamaHost]:
    """The host with one instance, put there from nothing."""
    host = OllamaHost(folder)
    host.remove()
    host.unmount()
    shell = "/usr/sbin/nologin"
    host.shell(f"useradd --system --user-group --create-home -d {HOME} -s {shell} {USER}")
    host.inside("mount", "-t", "tmpfs", "-o", f"size={DISK}m,mode=755", "tmpfs", HOME)
    host.shell(f"chown {USER}: {HOME}")
    preview = host.run("--check", "--diff")
    assert preview.code == 0, preview.output
    assert "smollm2:135m to be pulled" in preview.output
    done = host.run("--diff")
    assert done.code == 0, done.output
    try:
        yield host
    finally:
        host.remove()
        host.unmount()
