"""What we have rendered is imported again, and the same providers answer to the same names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.importing.importer import import_config
from ansible_collections.lab.llm.plugins.module_utils.routing.compare import compare
from ansible_collections.lab.llm.plugins.module_utils.routing.explain import Explainer
from ansible_collections.lab.llm.plugins.module_utils.routing.explain_answer import Explanation

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/registry"))
# Written in another way, or in another order among names: who answers to a name stays.
SAME = re.compile(
    r"written anew; who answers, and in which order, stays|are listed in another order"
)

# Who answers is the same, by another means: a fallback in place of an order.
ANOTHER_SHAPE = {"sizes", "chains", "conditions"}


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
    # Different numbers of retries are not to be said by a name that has no chain of its own.
    result.left = [one for one in result.left if not one.what.endswith(".num_retries")]
    shares = {one.what.split()[-1] for one in result.left if "the shares of" in one.what}
    assert shares == ({"tiny-*"} if case == "patterns" else set())
    assert (result.errors, result.findings, len(result.left)) == ([], [], len(shares))
    assert result.compiled
    before = with_hosts_as_providers(first.gateway_config_text)
    after = result.compiled.gateway_config or {}
    same_answers(before, after, shares)
    if case in ANOTHER_SHAPE:
        return
    told = [one.text for one in compare(before, after)]
    # Under testing/ the hosts of one provider are asked in turn, not in shares.
    others = ("testing/", *shares)
    told = [text for text in told if not (text.startswith(others) and "-g1" in text)]
    assert [text for text in told if not SAME.search(text)] == []


CHAINS = """\
providers:
  a: {type: vllm, base_url: "http://a:8000", models: [m, n]}
  b: {type: vllm, base_url: "http://b:8000", models: [m, big]}
  c: {type: openai, models: [gpt-4o]}
exact_matches:
  chat: {provider: a, backend_model: n, fallback: gpt-4o}
fallback_chains:
  n: [c, gpt-4o]
  m-long: {when: context_window, chain: [m, big]}
  refused: {when: content_policy, chain: [m, n]}
budgets:
  c: {max_budget: 20, budget_duration: 30d}
routing_rules:
  retry_attempts: 1
  timeout_seconds: 50
  default_fallback: gpt-4o
  request_metadata_routing:
    - {name: batch, condition: {tag: batch}, provider: b, model: m, fallback: c}
    - {name: curl, condition: {user_agent: "^curl/"}, provider: c}
debug_router: true
"""


def test_chains_conditions_and_budgets_come_back(tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    (tmp_path / "registry" / "lab.yaml").write_text(CHAINS)
    first = compile_registry(str(tmp_path / "registry"), Inventory())
    assert first.gateway_config
    (tmp_path / "litellm.yaml").write_text(first.gateway_config_text)
    result = import_config([str(tmp_path / "litellm.yaml")])
    assert (result.errors, result.findings, result.left) == ([], [], [])
    assert result.compiled
    after = result.compiled.gateway_config
    assert after
    told = [one.text for one in compare(first.gateway_config, after)]
    # A default fallback is written out at each name, which then needs no entry for it.
    told = [text for text in told if text != "gpt-4o at c, for fallbacks alone, is gone"]
    assert [text for text in told if not SAME.search(text)] == []
    same_answers(first.gateway_config, after, set())
    for tags, agent in ((["batch"], ""), ([], "curl/8"), (["other"], "")):
        old, new = Explainer(first.gateway_config), Explainer(after)
        for name in ("chat", "m", "n", "big", "gpt-4o"):
            pair = [answers(one.explain(name, tags=tags, agent=agent)) for one in (old, new)]
            assert pair[0] == pair[1], (name, tags, agent)


def same_answers(before: dict[str, Any], after: dict[str, Any], besides: set[str]) -> None:
    """Each name is answered by the same, whoever is down."""
    old, new = Explainer(before), Explainer(after)
    names = {one["model_name"] for one in before["model_list"]} - {*besides}
    names = {name for name in names if not name.startswith(("~", "testing/"))}
    assert names <= {one["model_name"] for one in after["model_list"]}
    for name in sorted(names):
        asked = name.replace("*", "any-model")
        for down in ((), *((provider,) for provider in old.providers)):
            one, other = (side.explain(asked, down=down) for side in (old, new))
            assert answers(one) == answers(other), (asked, down)


def answers(told: Explanation) -> tuple[Any, ...]:
    """Who gives the answer and who is asked first; ids without the name that they are under."""

    def plain(odds: Mapping[str, float | None]) -> dict[str, float | None]:
        return {id_.partition("#")[0]: odd and round(odd, 6) for id_, odd in odds.items()}

    return plain(told.answers), plain(told.first)
