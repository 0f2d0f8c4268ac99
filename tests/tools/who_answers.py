"""A registry's text, compiled, and requests for its names through the real Router."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from tools.real_litellm import real_litellm

INVENTORY = Inventory(
    {"gateway": ["gw"], "gpus": ["g1", "g2"]},
    {"gw": "10.0.0.1", "g1": "10.0.0.11", "g2": "10.0.0.12"},
)


def compiled(directory: Path, text: str) -> Compiled:
    """A registry of one file, which is sound."""
    (directory / "lab.yaml").write_text(text)
    found = compile_registry(str(directory), INVENTORY)
    assert found.gateway_config, "\n".join(map(str, found.problems))
    return found


def answers(
    directory: Path,
    text: str,
    model: str | list[str],
    times: int = 6,
    down: tuple[str, ...] = (),
    **more: Any,
) -> list[dict[str, Any]]:
    """Who answers, and who was asked for what; `down` are ids that answer 500."""
    config = compiled(directory, text).gateway_config
    assert config
    return real_litellm().ask(config, model, times, down, **more)


def who(found: list[dict[str, Any]]) -> Counter[str]:
    """How often each has answered; "" where nobody did."""
    return Counter(answer["who"] for answer in found)


def within_a_minute(ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Limits are counted by the minute of the clock: asked again where it has changed meanwhile."""
    for _ in range(5):
        before = time.gmtime().tm_min
        found = ask()
        if time.gmtime().tm_min == before:
            return found
    raise AssertionError("too slow to be judged")
