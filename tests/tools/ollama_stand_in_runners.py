# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Of the STAND-IN for Ollama: who infers, a real llama-server for each model."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ollama_stand_in_models import RefusalError

SAYING = "I am a stand-in for Ollama."
LOAD_SECONDS = 60


class Runners:
    """A llama-server for each model that is asked for, as newer releases of Ollama have one."""

    def __init__(self, program: Path | None) -> None:
        self.program, self.lock = program, threading.Lock()
        self.running: dict[tuple[str, bool], tuple[subprocess.Popen[bytes], str]] = {}

    def of(self, model: Path, embeds: bool, context: int) -> str:
        """The address of the one for this file, once it is ready. Raises RefusalError."""
        with self.lock:
            known = self.running.get((str(model), embeds))
            if known and known[0].poll() is None:
                return known[1]
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            words = [str(self.program), "-m", str(model), "--port", str(port), "-t", "1"]
            words += [
                "-c",
                str(context),
                *(["--embeddings", "--pooling", "mean"] if embeds else []),
            ]
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            address, end = f"http://127.0.0.1:{port}", time.monotonic() + LOAD_SECONDS
            while not _answers(address):
                if process.poll() is not None or time.monotonic() > end:
                    process.kill()
                    raise RefusalError("llama runner process has terminated: error loading model")
                time.sleep(0.1)
            self.running[str(model), embeds] = process, address
            return address

    def end(self) -> None:
        """As Ollama does when it is told to stop: none outlives it."""
        for process, _address in self.running.values():
            process.kill()
            process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def runner_beside(program: Path) -> Path | None:
    """The llama-server of the archive that a program is from."""
    found = program.resolve().parents[1] / "lib" / "ollama" / "llama-server"
    return found if found.exists() else None


def ask(base: str, path: str, body: dict[str, Any]) -> Any:
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}{path}", json.dumps(body).encode(), kind)
    try:
        return urllib.request.urlopen(request, timeout=120)
    except urllib.error.HTTPError as problem:
        raise RefusalError(problem.read().decode(errors="replace"), problem.code) from None


def ask_for(base: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    with ask(base, path, body) as answer:
        return dict(json.load(answer))


def pieces(base: str, question: dict[str, Any]) -> Iterator[str]:
    if not base:
        yield SAYING
        return
    with ask(base, "/v1/chat/completions", question) as answer:
        for line in answer:
            data = line.decode().strip().removeprefix("data: ")
            if data.startswith("{"):
                choice = (json.loads(data).get("choices") or [{}])[0]
                yield (choice.get("delta") or {}).get("content") or ""
