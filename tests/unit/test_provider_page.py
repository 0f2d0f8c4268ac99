# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the providers: what it says, that it stays the same, and that words stay words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import (
    Compiled,
    Inventory,
    compile_registry,
)
from ansible_collections.lab.llm.plugins.module_utils.provider_page import escape, picture
from ansible_collections.lab.llm.plugins.module_utils.provider_page.page import (
    NAME,
    OURS,
    page,
    place_of,
    read,
    stale,
)
from ansible_collections.lab.llm.plugins.module_utils.provider_page.sections import undocumented
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors

ROOT = Path(__file__).parents[2]
HOSTS = {"gw": "10.0.0.10", "gpu01": "10.0.0.11", "gpu02": "10.0.0.12"}
INVENTORY = Inventory({"gateway": ["gw"], "gpu": ["gpu01", "gpu02"]}, HOSTS)
FULL = (ROOT / "tests/registries/full/registry.yaml").read_text()
# All that Markdown, HTML, Mermaid or a table could take for its own.
WICKED = r"""
metadata: {name: "Lab <b>one</b>", description: "a | b\n# not a heading", owner: "me & you"}
providers:
  end:
    type: vllm
    base_url: http://10.0.0.1:8000
    description: "- list?\n\n## no `code` *x* [l](javascript:alert(1)) <img src=x onerror=1> | cell"
    features: ["1. numbered", "| pipe", "<!-- comment -->", "```mermaid", "--- ", "=== "]
    docs: "javascript:alert(1)"
    location: "rack [1](x)"
    notes: "one\n| `~end/chat` | 9.99 s | 9 | 9 of 9 | 1999-01-01 |"
    models:
      - {name: 'we|rd`;<b>#quot;%%{init}', description: "x | y"}
      - subgraph
      - "ünï-模型"
      - o--x
      - {name: chat, specialty: [chat, "co|de"]}
  class.def:
    type: ollama
    base_url: http://[fd00::1]:11434
    models: [chat, click]
exact_matches:
  "end": {provider: end, backend_model: chat, fallback: [class.def, graph], description: "`end` |"}
  "graph": {provider: class.def, backend_model: chat}
  "x-->y;z": {provider: end, backend_model: subgraph}
redundant_models:
  shared:
    providers:
      - {provider: end, model: chat, weight: 3}
      - {provider: class.def, model: chat, weight: 1}
"""
SMALL = """
providers:
  gpu: {type: vllm, base_url: "http://10.0.0.1:8000", models: [a, b]}
  own: {type: llama_cpp, deploy: {hosts: gpu}, models: [{name: c, source: {path: /c.gguf}}]}
  old: {type: vllm, status: disabled, base_url: "http://10.0.0.3:8000", models: [z]}
exact_matches:
  best: {provider: gpu, backend_model: a, fallback: c}
"""
FIGURES = {"first_token_ms": 2310, "tokens_per_second": 35.2, "errors": 1, "requests": 3}
NONE = {"first_token_ms": None, "tokens_per_second": None, "errors": 2, "requests": 2}
MEASURED = [{"deployment": "~gpu/a", **FIGURES}, {"deployment": "~gpu/b", **NONE}]


def compiled(text: str, directory: Path) -> Compiled:
    (directory / "registry.yaml").write_text(text)
    found = compile_registry(str(directory), INVENTORY)
    assert not has_errors(found.problems), found.problems
    return found


def written(text: str, directory: Path, **more: Any) -> str:
    return page(compiled(text, directory), INVENTORY, **more)


def section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def chart(text: str) -> list[str]:
    found = re.findall(r"^```mermaid\n(.*?)^```$", text, re.S | re.M)
    assert len(found) == 1
    return found[0].splitlines()


LABEL = r'"[^"#;`<>{}|\[\]()\\]*(?:#\d+;[^"#;`<>{}|\[\]()\\]*)*"'
NODE = re.compile(rf"    [nph]\d+(\(\[{LABEL}\]\)|\[{LABEL}\]|\[\({LABEL}\)\])")
EDGE = re.compile(rf"  [nph]\d+ (-->|-\.->)(\|{LABEL}\|)? [nph]\d+")
OTHER = re.compile(rf"flowchart LR|  subgraph (names|providers|hosts)\[{LABEL}\]|  end")


@pytest.mark.parametrize("text", [WICKED, SMALL, FULL], ids=["wicked", "small", "full"])
def test_the_picture_is_made_of_nodes_and_edges_alone(text: str, tmp_path: Path) -> None:
    lines = chart(written(text, tmp_path))
    assert [x for x in lines if not any(p.fullmatch(x) for p in (NODE, EDGE, OTHER))] == []
    nodes = {x.split()[0].partition("[")[0].partition("(")[0] for x in lines if NODE.fullmatch(x)}
    ends = {word for x in lines if EDGE.fullmatch(x) for word in re.findall(r"\b[nph]\d+\b", x)}
    assert ends == nodes
    assert sum(x.startswith("  subgraph") for x in lines) == lines.count("  end")


@pytest.mark.parametrize("text", [WICKED, SMALL, FULL], ids=["wicked", "small", "full"])
def test_words_stay_words(text: str, tmp_path: Path) -> None:
    said = written(text, tmp_path)
    lines = said.splitlines()
    outside = [x for x in lines if x not in chart(said)]
    # Headings, lists and tables are ours alone; nothing opens a tag or a block.
    begins = ("# Providers", "## ", "### ", "- ", "| ", "|---", "```", "Declared as acceptable")
    plain = [x for x in outside[1:] if x and not x.startswith(begins)]
    assert all(re.match(r"[\w\\]", x) for x in plain), plain
    without_code = [re.sub(r"`[^`]*`", "", x.replace("\\`", "")) for x in outside[1:]]
    assert [x for x in without_code if re.search(r"(?<!\\)<(?!https?://)|(?<!\\)\]\(", x)] == []
    tables = [x for x in outside if x.startswith("|")]
    columns = [len(re.findall(r"(?<!\\)\|", x)) for x in tables]
    begun = 0
    for line, count in zip(tables, columns, strict=True):
        begun = count if line.startswith(("| name |", "| model |", "| provider |")) else begun
        begun = count if line.startswith("| deployment |") else begun
        assert count == begun, line


def test_it_has_the_sections_of_the_hand_kept_page(tmp_path: Path) -> None:
    own = section(written(FULL, tmp_path), "## own")
    headings = re.findall(r"^### (.*)", own, re.M)
    assert headings == [
        "Connection details", "Features and capabilities", "Models available",
        "Performance characteristics", "Best use cases", "Integration notes",
    ]  # fmt: skip
    for words in ("our own", "gpu01", "`OWN_KEY`", "http://10.0.0.11:8001/v1", "7B", "2048"):
        assert words in own
    for words in ("rack 1", "<https://docs.lab>", "Tags: local", "at most 1024 tokens"):
        assert words in own


def test_what_is_said_of_each(tmp_path: Path) -> None:
    said = written(SMALL, tmp_path)
    assert "| `best` | exact match | `gpu` with `a` | `c` | registry.yaml |" in said
    assert "- When it fails, requests for `best` go on to `c`" in section(said, "## gpu")
    assert "- Answers when others fail: `best`" in section(said, "## own")
    assert "Type: `vllm`, disabled" in section(said, "## old")
    assert "10.0.0.3" not in section(said, "## old")
    assert {'    h2[("gpu01")]', '    h3[("gpu02")]'} <= set(chart(said))


def test_shares_and_trials_are_in_the_picture(tmp_path: Path) -> None:
    text = SMALL + (
        "redundant_models:\n"
        "  chat: {providers: [{provider: gpu, model: b, weight: 3}, {provider: own, weight: 1}]}\n"
    )
    text = text.replace("  old:", "  new: {type: vllm, base_url: 'http://10.0.0.4:1', models: [b],"
                        " status: testing, traffic: 5%}\n  old:")  # fmt: skip
    said = written(text, tmp_path)
    labels = {found[1] for found in re.finditer(r'-->\|"([^"]*)"\|', said)}
    assert {"75%", "25%", "5% on trial"} <= labels
    assert "`gpu` with `b` (75 %), or `own` with `c` (25 %)" in said


def test_the_same_gives_the_same_and_figures_stay(tmp_path: Path) -> None:
    first = written(SMALL, tmp_path, performance=MEASURED, at="2026-11-22T23:59:59Z")
    assert "| `~gpu/a` | 2.31 s | 35.2 | 1 of 3 | 2026-11-22 |" in first
    assert "| `~gpu/b` | – | – | 2 of 2 | 2026-11-22 |" in first
    assert written(SMALL, tmp_path, before=first) == first
    newer = [{**MEASURED[0], "first_token_ms": 210}]
    second = written(SMALL, tmp_path, before=first, performance=newer, at="2026-11-23T00:00:00Z")
    assert "| `~gpu/a` | 0.21 s | 35.2 | 1 of 3 | 2026-11-23 |" in second
    assert "| `~gpu/b` | – | – | 2 of 2 | 2026-11-22 |" in second
    gone = written(SMALL.replace("[a, b]", "[a]"), tmp_path, before=second)
    assert "~gpu/a" in gone
    assert "~gpu/b" not in gone
    assert "Not measured yet." in section(second, "## own")


def test_texts_of_a_registry_cannot_pass_for_figures(tmp_path: Path) -> None:
    first = written(WICKED, tmp_path)
    assert "9.99 s" in first
    again = written(WICKED, tmp_path, before=first)
    assert again == first
    assert "Not measured yet." in section(again, "## end")


def test_no_key_and_no_header_is_in_it(tmp_path: Path) -> None:
    text = SMALL.replace("models: [a, b]", "env_var: GPU_KEY, models: [a, b]")
    text = text.replace("  old:", "  odd: {type: custom, api_format: openai_compatible,"
                        " base_url: 'http://10.0.0.9:1', models: [o], health_endpoint: '/h?t=s3cr',"
                        " custom_config: {headers: {X-Team: s3cret}}}\n  old:")  # fmt: skip
    said = written(text, tmp_path)
    assert "the environment variable `GPU_KEY`" in said
    assert "s3cr" not in said
    assert escape.address("http://me:pw@host:1/x?key=y") == "http://host:1/x?…"


def test_a_picture_of_many_says_how_many_are_left_out(tmp_path: Path) -> None:
    names = ", ".join(f"m{number}" for number in range(400))
    text = SMALL.replace("[a, b]", f"[a, b, {names}]")
    said = written(text, tmp_path)
    edges = [line for line in chart(said) if EDGE.fullmatch(line)]
    assert len(edges) <= picture.MOST_EDGES + 8
    assert 'n1(["best"])' in said  # those with rules of their own come first
    left = int(re.search(r"(\d+) more names stand in the table alone", said)[1])
    drawn = sum(line.lstrip().startswith("n") and "([" in line for line in chart(said))
    assert left + drawn == 404


def test_a_stale_page_is_a_warning(tmp_path: Path) -> None:
    found, place = compiled(SMALL, tmp_path), tmp_path / NAME
    assert stale(found, INVENTORY, place) == []  # nobody wants one
    assert stale(found, INVENTORY, None) == []
    place.write_text(page(found, INVENTORY, performance=MEASURED, at="2026-11-22T00:00:00Z"))
    assert stale(found, INVENTORY, place) == []
    (problem,) = stale(compiled(SMALL.replace("best:", "top:"), tmp_path), INVENTORY, place)
    assert str(problem).startswith(f"{place}:1:1: warning[stale-page]: ")
    assert "playbooks/docs.yml" in str(problem)
    place.write_text("# Mine\n")
    assert stale(found, INVENTORY, place) == []


def test_what_somebody_else_wrote_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.md"
    theirs.write_text("# Mine\n")
    with pytest.raises(ValueError, match="so it stays as it is"):
        read(theirs)
    assert read(tmp_path / "none.md") is None
    theirs.write_text(OURS + " (an older release) -->\n")
    assert read(theirs) is not None


def test_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_of("/lab/registry") == Path("/lab/registry/providers.md")
    assert place_of("/lab/registry", "") is None
    assert place_of("/r", ".serena/memories/02-provider-registry.md") == (
        tmp_path / ".serena/memories/02-provider-registry.md"
    )


def test_what_is_not_documented(tmp_path: Path) -> None:
    providers = compiled(FULL, tmp_path).registry.providers
    assert undocumented(providers["own"]) == []
    assert undocumented(providers["azure"]) == [
        "description", "features", "context_length of azure-model", "specialty of azure-model",
    ]  # fmt: skip


def test_the_page_that_is_shown_is_what_is_written(tmp_path: Path) -> None:
    text = (ROOT / "docs/provider-page.md").read_text()
    registry = re.findall(r"^```yaml\n(# registry/.*?)^```", text, re.S | re.M)[0]
    shown = re.findall(r"^````markdown\n(.*?)````", text, re.S | re.M)[0]
    (tmp_path / "lab.yaml").write_text(registry)
    hosts = Inventory({"gateway": ["gateway1"]}, {"gateway1": "10.0.0.10"})
    found = compile_registry(str(tmp_path), hosts)
    assert page(found, hosts, before=shown).startswith(shown)


def test_capabilities_patterns_and_chains_are_told(tmp_path: Path) -> None:
    text = SMALL + (
        "capabilities:\n"
        "  code: {preferred_models: [b, c], routing_strategy: usage_based, description: Writes}\n"
        "patterns:\n"
        "  - {pattern: ^new/.*, provider: gpu, backend_model: a, fallback: own, description: New}\n"
        "fallback_chains:\n"
        "  long: {when: context_window, chain: [{primary: gpu}, {secondary: own}]}\n"
    )
    said = written(text, tmp_path)
    table = said.partition("\n## gpu\n")[0].splitlines()
    rows = {line.split(" | ")[0]: line for line in table if line.startswith("| `")}
    assert "capability: Writes | `gpu` with `b`, or `own` with `c`, by usage" in rows["| `code`"]
    assert "pattern: New | `gpu` with `a`, then `own` with `c` | " in rows["| `new/*`"]
    assert "`own` with `c` (too long a prompt)" in rows["| `a`"]
    assert "- The capability `code`" in section(said, "## own")
    lines = chart(said)
    assert [x for x in lines if not any(p.fullmatch(x) for p in (NODE, EDGE, OTHER))] == []
