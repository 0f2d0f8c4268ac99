# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Slots in the lab: switch_model.yml, who runs, and clients of the lab's gateway meanwhile."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from .lab_hosts import Host, the_lab

Play = Callable[..., subprocess.CompletedProcess[str]]
LAB = the_lab()
GATEWAY = f"http://{LAB.addresses['gateway1']}:4000"
MIRROR = f"http://{LAB.mirror}"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
# The lab's model as a source.
GOOD = f'{{url: "{MIRROR}/models/SmolLM2-135M-Instruct.Q4_1.gguf", sha256: {SHA256}}}'
ON, OFF = ["active", "enabled"], ["inactive", "disabled"]


def switch(
    play: Play, registry: Path, provider: str, *more: str
) -> subprocess.CompletedProcess[str]:
    words = ("-e", f"llm_registry={registry}", "-e", f"provider={provider}", *more)
    return play("switch_model.yml", *words, timeout=900)


def site(play: Play, registry: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return play("site.yml", "-e", f"llm_registry={registry}", *more, timeout=900)


def states(host: str, *units: str) -> list[list[str]]:
    """Of each unit of the user llm: whether it runs, and whether it starts at boot."""
    told = (
        Host(host)
        .on(
            f"for unit in {' '.join(units)}; do for verb in is-active is-enabled; do "
            "systemctl --user -M llm@ $verb $unit || true; done; done"
        )
        .split()
    )
    return [told[at : at + 2] for at in range(0, len(told), 2)]


def key() -> str:
    secret = Host("gateway1").on("cat /var/lib/llm/gateway/secrets.env")
    return re.search(r'LITELLM_MASTER_KEY="(.*)"', secret)[1]


def ask(name: str, secret: str) -> tuple[int, str]:
    """The status, and the id of the deployment that answered."""
    asked = {"model": name, "max_tokens": 3, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    address = f"{GATEWAY}/v1/chat/completions"
    request = urllib.request.Request(address, json.dumps(asked).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, answer.headers.get("x-litellm-model-id", "")
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode(errors="replace")[:300]


class Client(threading.Thread):
    """Somebody who asks one name again and again."""

    def __init__(self, name: str) -> None:
        super().__init__(daemon=True)
        self.asked, self.secret, self.seen = name, key(), []
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            self.seen.append(ask(self.asked, self.secret))

    def __enter__(self) -> Client:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self.join(timeout=180)


class Streams(threading.Thread):
    """Somebody who has one name answer at length, again and again, and sees whether it ends."""

    def __init__(self, name: str) -> None:
        super().__init__(daemon=True)
        self.asked, self.secret, self.over = name, key(), threading.Event()
        self.ended, self.refused = 0, 0
        self.cut: list[str] = []

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.one()
            except urllib.error.HTTPError as problem:
                self.refused += problem.code >= 500
            except (OSError, http.client.HTTPException) as problem:
                self.cut.append(repr(problem))

    def one(self) -> None:
        words = [{"role": "user", "content": "Count from one to two hundred, in words."}]
        asked = {"model": self.asked, "max_tokens": 400, "stream": True, "messages": words}
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        address = f"{GATEWAY}/v1/chat/completions"
        request = urllib.request.Request(address, json.dumps(asked).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read().decode(errors="replace")
        if text.rstrip().endswith("[DONE]") and '"error"' not in text:
            self.ended += 1
        else:
            self.cut.append(text[-300:])

    def __enter__(self) -> Streams:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.over.set()
        self.join(timeout=180)
