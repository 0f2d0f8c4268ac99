"""What we have rendered is imported again, and the same providers answer to the same names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import import_config
from ansible_collections.lab.llm.plugins.module_utils.routing.compare import compare

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/registry"))
# Written in another way, or in another order among names: who answers to a name stays.
SAME = re.compile(
    r"written anew; who answers, and in which order, stays|are listed in another order"
)


def with_hosts_as_providers(text: str) -> dict[str, Any]:
    """A provider on several hosts comes back as one for each: what it runs is not in the file."""
    hosts: dict[str, set[str]] = {}
    for provider, host in re.findall(r"~([^@/\s\"]+)@([^/\s\"]+)/", text):
        hosts.setdefault(provider, set()).add(host)

    def renamed(found: re.Match[str]) -> str:
        provider, host = found.groups()
        return f"~{provider}-{host}/" if len(hosts[provider]) > 1 else f"~{provider}/"

    return yaml.safe_load(re.sub(r"~([^@/\s\"]+)@([^/\s\"]+)/", renamed, text))


@pytest.mark.parametrize("case", CASES)
def test_the_same_routes_come_back(case: str, tmp_path: Path) -> None:
    described = GOLDEN / case / "inventory.json"
    inventory = Inventory(**json.loads(described.read_text()) if described.exists() else {})
    first = compile_registry(str(GOLDEN / case / "registry"), inventory)
    file = tmp_path / "litellm.yaml"
    file.write_text(first.gateway_config_text)
    result = import_config([str(file)])
    assert (result.errors, result.findings, result.left) == ([], [], [])
    assert result.compiled
    before = with_hosts_as_providers(first.gateway_config_text)
    told = [one.text for one in compare(before, result.compiled.gateway_config or {})]
    # Under testing/ the hosts of one provider are asked in turn, not in shares.
    told = [text for text in told if not (text.startswith("testing/") and "-g1" in text)]
    assert [text for text in told if not SAME.search(text)] == []
