"""One long-living process with the real LiteLLM in it, for tests."""

from __future__ import annotations

import functools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("litellm_worker.py")


class RealLiteLLM:
    """Asks the worker; see litellm_worker.py for what it answers."""

    def __init__(self, python: Path) -> None:
        self.python = python
        self._process = subprocess.Popen(
            [str(python), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def load(self, config: dict[str, Any]) -> dict[str, Any]:
        """What the Router makes of a configuration; ValueError if it refuses it."""
        return self._answer({"load": config})

    def ask(
        self,
        config: dict[str, Any],
        model: str | list[str],
        times: int = 1,
        down: tuple[str, ...] = (),
        private: bool = False,
        failing: dict[str, str] | None = None,
        metadata: dict[str, Any] | None = None,
        patient: bool = False,
        mode: str = "chat",
    ) -> list[dict[str, Any]]:
        """Who answers `times` requests for a name, or for several names in turn; with `private` as
        if they came through the gateway's private door. `failing`: id -> how it fails, other than
        with 500; `metadata`: what the proxy notes of a request, such as {"tags": ["batch"]}. With
        `patient` a request waits until it is known what the one before has cost."""
        what = {"model": model, "times": times, "down": list(down), "private": private}
        what |= {"failing": failing or {}, "metadata": metadata or {}, "mode": mode}
        what["patient"] = patient
        return self._answer({"ask": config, **what})

    def many(
        self, config: dict[str, Any], asks: list[dict[str, Any]]
    ) -> list[list[dict[str, Any]]]:
        """What is seen of the requests of each question; many_requests.py says what these are."""
        return self._answer({"many": config, "asks": asks})

    def sent(self, config: dict[str, Any], strays: list[str]) -> dict[str, list[dict[str, Any]]]:
        """id -> the requests (path, headers) that its upstream gets; `strays` are set besides."""
        found = self._answer({"sent": config, "strays": strays})
        return {one["id"]: one["requests"] for one in found}

    def _answer(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the LiteLLM worker ended with {self._process.wait()}")
        reply = json.loads(line)
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply["result"]


def litellm_python() -> Path:
    """The gateway's own Python. Without its venv: skip, or fail where that is strict."""
    default = ROOT / "build/venvs/litellm/bin/python"
    python = Path(os.environ.get("LAB_LLM_LITELLM_PYTHON") or default)
    if not python.exists():
        message = f"no LiteLLM at {python}: `make test-unit` installs it"
        if os.environ.get("CI") or os.environ.get("LAB_LLM_STRICT"):
            pytest.fail(message, pytrace=False)
        pytest.skip(message)
    return python


@functools.cache
def real_litellm() -> RealLiteLLM:
    """The worker, started once."""
    return RealLiteLLM(litellm_python())
