"""A canary in the sentences that compare two configurations."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.routing.compare import compare

PEERS = """providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m]}
  b: {type: vllm, base_url: "http://b:8000", models: [m]}
"""
C = '  c: {{type: vllm, base_url: "http://c:8000", models: [m], status: {}}}\n'
ONE = "m: answered by m at c 25 % on trial, else m at a, then m at b; before by "
OTHER = "m at c 5 % on trial, else m at a, then m at b"
# what c is before and after (None: it is not there), the sentences
CASES = [
    ("testing, traffic: 5%", "testing, traffic: 25%", [ONE + OTHER]),
    ("testing, traffic: 5%", "testing, traffic: 5%", []),
    ("testing", "testing, traffic: 25%", [f"{ONE}m at a, then m at b"]),
    (
        None, "testing, traffic: 5%",
        [
            "provider c is new: 1 deployment, called testing/m",
            f"m: answered by {OTHER}; before by m at a, then m at b",
        ],
    ),
    (
        "testing, traffic: 5%", "active",
        [
            f"m: answered by m at a, then m at b, then m at c; before by {OTHER}",
            "testing/m is gone",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_a_share_is_a_sentence(
    before: str | None, after: str | None, expected: list[str], tmp_path: Path
) -> None:
    configs = []
    for status in (before, after):
        text = PEERS + (C.format(status) if status else "")
        (tmp_path / "lab.yaml").write_text(text)
        configs.append(compile_registry(str(tmp_path), Inventory()).gateway_config or {})
    assert [change.text for change in compare(*configs)] == expected


def test_what_a_canary_needs_is_told_where_it_does_not_come_with_one(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(PEERS + C.format("testing, traffic: 5%"))
    config = compile_registry(str(tmp_path), Inventory()).gateway_config or {}
    without = {key: value for key, value in config.items() if key != "litellm_settings"}
    assert any("litellm_settings.callbacks" in change.text for change in compare(config, without))
