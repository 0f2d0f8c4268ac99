# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checklist after add_provider.yml: which evidence ticks which line, and what does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.checklist import Checklist, as_lines, recorded

ITEMS = [
    "Provider added to registry",
    "Routing rules defined",
    "LiteLLM configuration updated",
    "Provider page updated",
    "Health check endpoint verified",
    "Model list includes new provider models",
    "Routing test successful",
    "Fallback chain tested",
    "Performance metrics acceptable",
    "Documentation complete",
    "Configuration committed to git",
]


def row(line: str, name: str, by: str = "", **more: Any) -> dict[str, Any]:
    seen = f"answered by {by}" if by else "200"
    told = {"line": line, "check": name, "target": name, "asked": f"chat of {name}", "seen": seen}
    return {**told, "ok": True, "milliseconds": 412, "by": by, "providers": ["mistral"], **more}


def facts() -> dict[str, Any]:
    target = [{"provider": "mistral", "id": "~mistral/m"}]
    other = [{"provider": "old", "id": "~old/o"}]
    return {
        "providers": ["mistral"],
        "file": "lab/registry/mistral.yaml",
        "routes": [
            {"name": "m", "targets": target, "fallbacks": [], "rule": "lab/mistral.yaml:4"},
            {"name": "best", "targets": target, "fallbacks": [{}], "rule": "lab/mistral.yaml:9"},
            {"name": "o", "targets": other, "fallbacks": [], "rule": "lab/old.yaml:3"},
        ],
        "gateway": {
            "generation": 7,
            "previous": 6,
            "outcome": "live",
            "proof": {
                "checks": [
                    row("listing", "models", missing=[]),
                    row("health", "mistral", asked="GET http://10.0.0.1:8000/health"),
                    row("routing", "m", "~mistral/m"),
                    row("routing", "o", "~old/o", providers=["old"]),
                    row("new", "~mistral/m", "~mistral/m"),
                    row("chains", "best", "~old/o", target="~old/o"),
                    row("performance", "~mistral/m", seen="first token after 0.21 s"),
                ],
                "performance": [],
            },
        },
        "page": {"page": "lab/registry/providers.md", "problem": "", "providers": {"mistral": []}},
        "git": {"commit": "3f2a1c0e9d88", "tag": "llm-generation-7", "problem": ""},
    }


def lines(said: dict[str, Any]) -> list[str]:
    return as_lines(Checklist(said).rows())


def test_all_eleven_lines_with_their_evidence() -> None:
    assert lines(facts()) == [
        "✅ Provider added to registry: lab/registry/mistral.yaml",
        "✅ Routing rules defined: m (mistral.yaml:4), best (mistral.yaml:9)",
        "✅ LiteLLM configuration updated: generation 7 serves, 6 before",
        "✅ Provider page updated: lab/registry/providers.md",
        "✅ Health check endpoint verified: GET http://10.0.0.1:8000/health: 200",
        "✅ Model list includes new provider models: 2 of 2",
        "✅ Routing test successful: m answered by ~mistral/m in 0.4 s (and 1 more)",
        "✅ Fallback chain tested: best answered by ~old/o in 0.4 s",
        "✅ Performance metrics acceptable: ~mistral/m: first token after 0.21 s",
        "✅ Documentation complete: description, features and what each model is good for",
        "✅ Configuration committed to git: 3f2a1c0e9d88, tagged llm-generation-7",
    ]


def checks(said: dict[str, Any]) -> list[dict[str, Any]]:
    return said["gateway"]["proof"]["checks"]


def without(line: str) -> Callable[[dict[str, Any]], None]:
    def change(said: dict[str, Any]) -> None:
        checks(said)[:] = [one for one in checks(said) if one["line"] != line]

    return change


def failing(line: str, seen: str, **more: Any) -> Callable[[dict[str, Any]], None]:
    def change(said: dict[str, Any]) -> None:
        for one in checks(said):
            if one["line"] == line and "mistral" in one["providers"]:
                one.update(ok=False, seen=seen, by="", **more)

    return change


def having(key: str, value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(said: dict[str, Any]) -> None:
        for name in path:
            said = said[name]
        said[key] = value

    return change


MEASURED = {"provider": "mistral", "deployment": "~mistral/m", "answers": 2,
            "first_token_ms": 210, "tokens_per_second": 35.2}  # fmt: skip


def no_bounds(said: dict[str, Any]) -> None:
    without("performance")(said)
    said["gateway"]["proof"]["performance"] = [MEASURED]


# which line, what is otherwise, how it reads then
CASES = [
    (0, having("providers", {}, "page"), "❌ it has no mistral"),
    (1, having("routes", []), "❌ no name leads to it"),
    (2, having("outcome", "undone", "gateway"), "❌ no generation serves it"),
    (2, having("previous", 7, "gateway"), "✅ generation 7 serves"),
    (3, having("problem", "it is full", "page"), "❌ it is full"),
    (3, having("page", "", "page"), "➖ no page is wanted"),
    (4, without("health"), "➖ it has no endpoint that can be asked"),
    (4, failing("health", "503"), "❌ mistral: 503"),
    (5, failing("listing", "", missing=["best"]), "❌ 1 of 2, not best"),
    (6, failing("routing", "404: no"), "❌ m: 404: no"),
    (6, failing("new", "500: gone"), "❌ ~mistral/m: 500: gone"),
    (7, without("chains"), "➖ no fallback is declared for its names"),
    (7, failing("chains", "no fallback answered"), "❌ best: no fallback answered"),
    (8, no_bounds, "➖ first token 0.21 s, 35.2 tokens/s; nothing is declared as acceptable"),
    (8, without("performance"), "➖ nothing was measured"),
    (8, failing("performance", "2.31 s, at most 1.00 s is declared"),
     "❌ ~mistral/m: 2.31 s, at most 1.00 s is declared"),
    (9, having("providers", {"mistral": ["features", "size of m"]}, "page"),
     "❌ nothing is declared of mistral: features, size of m"),
    (10, having("git", {}), "➖ not asked: -e commit=true"),
    (10, having("problem", "git commit refuses: no", "git"), "❌ git commit refuses: no"),
    (10, having("commit", "", "git"), "➖ only tagged llm-generation-7"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "change", "said"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
def test_a_line_says_what_was_seen(
    number: int, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    told = copy.deepcopy(facts())
    change(told)
    sign, _space, evidence = said.partition(" ")
    assert lines(told)[number] == f"{sign} {ITEMS[number]}: {evidence}"


def test_nothing_of_others_ticks_a_line() -> None:
    told = facts()
    told["providers"] = ["new"]
    found = {one["item"]: one["ok"] for one in Checklist(told).rows()}
    assert [item for item, ok in found.items() if ok] == [
        "LiteLLM configuration updated", "Provider page updated", "Configuration committed to git",
    ]  # fmt: skip


def test_a_provider_that_is_asked_nothing() -> None:
    told = facts()
    told["gateway"]["proof"] = {"checks": [row("listing", "models", missing=[])]}
    rows = Checklist(told).rows()
    assert [one["ok"] for one in rows] == [True] * 4 + [None, True] + [None] * 3 + [True, True]


DONE = {"commit": "3f2a", "committed": True, "tag": "", "problem": ""}


@pytest.mark.parametrize(
    ("page", "git", "said"),
    [
        ({}, {}, []),
        ({"changed": True, "page": "p.md", "problem": ""}, DONE,
         ["p.md says so.", "Committed as 3f2a."]),
        ({"changed": False, "page": "p.md", "problem": ""}, {**DONE, "tag": "llm-generation-7"},
         ["Committed as 3f2a.", "Tagged llm-generation-7."]),
        ({"changed": False, "problem": "it is full"}, {},
         ["The page of the providers is as before: it is full."]),
        ({}, {**DONE, "committed": False}, ["There was nothing to commit after 3f2a."]),
        ({}, {**DONE, "commit": "", "problem": "git commit refuses: no"},
         ["Not committed: git commit refuses: no. The change itself stands."]),
        ({}, {**DONE, "problem": "the tag is elsewhere"},
         ["Committed as 3f2a.", "Not tagged: the tag is elsewhere. The change itself stands."]),
    ],
)  # fmt: skip
def test_what_is_said_after_another_change(
    page: dict[str, Any], git: dict[str, Any], said: list[str]
) -> None:
    assert recorded(page, git) == said
