"""A provider on trial does not stop what the gateway is changed for; a new one does."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.gateway.probe_checks import (
    LISTING,
    NEW,
    ROUTING,
)
from ansible_collections.lab.llm.plugins.module_utils.gateway.verdict import blocking


def failed(line: str, asked: str, *providers: str) -> dict[str, Any]:
    return {
        "line": line, "check": asked, "target": asked, "ok": False, "status": 500, "seen": "500",
        "providers": list(providers), "configured": "x", "variables": [],
    }  # fmt: skip


# what failed, who is new -> whether it blocks
CASES = [
    (failed(NEW, "~c/m", "c"), "", False),
    (failed(NEW, "~c@g1/m#r"), "", False),  # nobody has said whose it is: the id does
    (failed(ROUTING, "testing/m", "c"), "", False),
    (failed(NEW, "~c/m", "c"), "c", True),
    (failed(NEW, "~a/m", "a"), "", True),
    (failed(ROUTING, "m", "a", "c"), "", True),
    (failed(LISTING, "models"), "", True),
]


@pytest.mark.parametrize(("row", "new", "blocks"), CASES)
def test_what_only_a_canary_could_answer_is_excused(
    row: dict[str, Any], new: str, blocks: bool
) -> None:
    assert bool(blocking([row], (), new, (), {"c"})) == blocks
    assert blocking([row], (), new)  # without a trial each of these blocks
