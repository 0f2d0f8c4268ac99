"""A registry without a provider: everything that still leads to it is said, where it stands now."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory
from ansible_collections.lab.llm.plugins.module_utils.engines.files import unneeded
from ansible_collections.lab.llm.plugins.module_utils.engines.llama_cpp import host_plan
from ansible_collections.lab.llm.plugins.module_utils.host.artifact_removal import (
    remove as discard,
)
from ansible_collections.lab.llm.plugins.module_utils.host.fetch import FetchError
from ansible_collections.lab.llm.plugins.module_utils.host.fingerprints import (
    RECORD,
    record_of,
    write_record,
)
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import has_errors
from ansible_collections.lab.llm.plugins.module_utils.removal import Removal, remove
from ansible_collections.lab.llm.plugins.module_utils.removal_report import report
from ansible_collections.lab.llm.plugins.module_utils.revalued import revalue

INVENTORY = Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1", "gpu01": "10.0.0.2"})
SUM = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
LAB = f"""\
providers:
  a:
    type: llama_cpp
    deploy: {{hosts: gpu01, port: 8001}}
    models: [{{name: m, source: {{url: "http://x/m.gguf", sha256: "{SUM}"}}}}]
  b:
    type: ollama
    base_url: http://10.0.0.3
    models: [n, o]
    default_model: n
"""
LIMITS = "rate_limit_settings:\n  limits:\n    a: {rpm: 60}\n"


def removal(folder: Path, provider: str = "a", file: str = "", **files: str) -> Removal:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return remove(str(folder), INVENTORY, provider, file)


def said(found: Removal, folder: Path) -> list[str]:
    return [
        str(problem).removeprefix(f"{folder}/")
        for problem in found.problems
        if problem.severity == "error"
    ]


def test_one_that_nothing_leads_to_goes(tmp_path: Path) -> None:
    found = removal(tmp_path, lab=LAB, limits=LIMITS)
    assert not has_errors(found.problems)
    assert found.edits == {
        "lab.yaml": "providers:\n" + LAB[LAB.index("  b:") :],
        "limits.yaml": None,
    }
    assert found.names == ["m"]
    assert list(found.compiled.registry.providers) == ["b"]
    assert set(found.compiled.files) == {"lab.yaml"}
    assert [spec["provider"] for spec in found.services["gpu01"]] == ["a"]
    assert found.kept == {}


LEADS = [
    # what is declared beside it, and each place that must be decided first
    ("exact_matches:\n  x: {provider: a}\n",
     ["more.yaml:2:17: error[still-referred]: exact_matches.x.provider leads to 'a'. "
      "Expected: another provider here, or this entry taken out."]),
    ("exact_matches:\n  x: {provider: b, fallback: a}\n  y: {provider: b, fallback: [o, a]}\n",
     ["more.yaml:2:30: error[still-referred]: exact_matches.x.fallback leads to 'a'. "
      "Expected: another fallback here, or none.",
      "more.yaml:3:34: error[still-referred]: exact_matches.y.fallback leads to 'a'. "
      "Expected: another fallback here, or none."]),
    ("exact_matches:\n  x: {provider: b, fallback: m}\n",
     ["more.yaml:2:30: error[unknown-fallback]: exact_matches.x.fallback names 'm'; "]),
    ("redundant_models:\n  x:\n    providers:\n    - {provider: b, model: n}\n    - provider: a\n",
     ["more.yaml:5:17: error[still-referred]: redundant_models.x.providers.provider leads to 'a'. "
      "Expected: another provider here, or this member taken out of the list."]),
]  # fmt: skip


@pytest.mark.parametrize(("more", "wanted"), LEADS)
def test_what_leads_to_it_is_said_all_at_once(more: str, wanted: list[str], tmp_path: Path) -> None:
    found = removal(tmp_path, lab=LAB, limits=LIMITS, more=more)
    lines = said(found, tmp_path)
    assert len(lines) == len(wanted), lines
    for line, start in zip(lines, wanted, strict=True):
        assert line.startswith(start), line


def test_places_are_those_of_the_file_as_it_is(tmp_path: Path) -> None:
    """The entry stands above what leads to it, in the same file: its lines still count."""
    text = LAB + "exact_matches:\n  x: {provider: a}\n  y: {provider: b, fallback: m}\n"
    lines = said(removal(tmp_path, lab=text), tmp_path)
    assert [line.partition(": ")[0] for line in lines] == ["lab.yaml:12:17", "lab.yaml:13:30"]


def test_a_name_that_is_near_is_told(tmp_path: Path) -> None:
    assert said(removal(tmp_path, "bb", lab=LAB), tmp_path)[0].endswith(
        "no provider is called 'bb': there is nothing to remove. Did you mean 'b'?"
    )
    assert said(removal(tmp_path, "zzzz", lab=LAB), tmp_path)[0].endswith("Expected: one of a, b.")


def test_the_last_one_stays(tmp_path: Path) -> None:
    text = LAB.replace("    type: ollama", "    type: ollama\n    status: disabled")
    lines = said(removal(tmp_path, lab=text), tmp_path)
    assert len(lines) == 1
    assert "lab.yaml:2:3: error[last-provider]: without a no provider would be left" in lines[0]


def test_a_file_goes_with_all_that_it_declares(tmp_path: Path) -> None:
    own = "providers: {c: {type: ollama, base_url: 'http://c', models: [p]}}\n"
    own += "exact_matches: {x: {provider: c, fallback: b}}\n"
    found = removal(tmp_path, file="c.yaml", lab=LAB, c=own)
    assert not has_errors(found.problems)
    assert (found.providers, found.edits, found.names) == (["c"], {"c.yaml": None}, ["x", "p"])
    found = removal(
        tmp_path, file="c.yaml", more="exact_matches: {y: {provider: b, fallback: x}}\n"
    )
    assert [line.partition(": ")[0] for line in said(found, tmp_path)] == ["more.yaml:1:44"]
    assert "Did you mean 'c.yaml'?" in said(removal(tmp_path, file="d.yaml"), tmp_path)[0]


def test_what_is_switched_off_keeps_its_model(tmp_path: Path) -> None:
    other = LAB.replace("  b:", "  c:").replace("  a:", "  d:\n    status: disabled", 1)
    found = removal(tmp_path, lab=LAB, other=other.replace("8001", "8002").replace("[n, o]", "[n]"))
    assert [spec["provider"] for spec in found.kept["gpu01"]] == ["d"]


def test_a_registry_that_is_not_sound_is_not_edited(tmp_path: Path) -> None:
    found = removal(tmp_path, lab=LAB, more="exact_matches: {x: {provider: zz}}\n")
    assert found.edits == {}
    assert ["unknown-provider" in line for line in said(found, tmp_path)] == [True]


def test_an_edit_that_is_not_certain_is_refused_at_its_place(tmp_path: Path) -> None:
    text = LAB.replace("  a:\n", "  a: &a\n") + "  c: {<<: *a, deploy: {hosts: gpu01, port: 9}}\n"
    lines = said(removal(tmp_path, lab=text), tmp_path)
    assert [line.partition(": ")[0] for line in lines] == ["lab.yaml:11:11"]
    assert "cannot-edit" in lines[0]


def test_a_value_is_compiled_as_if_it_stood_there(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    path = ("providers", "b", "status")
    compiled, problems, edits = revalue(str(tmp_path), INVENTORY, [(path, "testing")])
    assert not has_errors(problems)
    assert compiled.registry.providers["b"].status == "testing"
    assert edits == {"lab.yaml": LAB.replace("ollama\n", "ollama\n    status: testing\n")}
    assert (tmp_path / "lab.yaml").read_text() == LAB


@pytest.mark.parametrize(("path", "wanted"), [
    (("providers", "c", "status"), "no provider is called 'c'. Expected: one of a, b."),
    (("providers", "b", "models"), "error[cannot-edit]: providers.b.models is not a plain value"),
    (("budgets", "b", "max_budget"), "the registry has no budgets.b."),
    (("providers", "b", "status"), "providers.b.status is 'no'"),
])  # fmt: skip
def test_a_value_that_cannot_be_set_is_a_problem(
    path: tuple[str, ...], wanted: str, tmp_path: Path
) -> None:
    (tmp_path / "lab.yaml").write_text(LAB)
    _compiled, problems, _edits = revalue(str(tmp_path), INVENTORY, [(path, "no")])
    assert [wanted in str(problem) for problem in problems] == [True], problems


# What is on the hosts

SPEC = {"provider": "a", "engine": "llama_cpp", "version": None, "bind": "10.0.0.2", "port": 8001,
        "host": "gpu01", "options": {}, "gpus": None, "key_variable": "KEY",
        "unit": "llama-server-a.service", "environment": {}, "limits": {},
        "models": [{"name": "m", "source": {"url": "http://x/m.gguf", "sha256": SUM}}]}  # fmt: skip
SETTINGS = {"home": "/h", "install": "archive", "version": "b1", "archive_url": "http://x/a.tar.gz",
            "archive_sha256": "c" * 64, "archive_binary": "llama-server", "sandbox": True,
            "releases": {"b2": {"url": "http://x/b.tar.gz", "sha256": "d" * 64}},
            "binary": "", "ready_timeout": 9, "secrets_name": ""}  # fmt: skip
MODEL, RELEASE = f"/h/models/m-{SUM[:12]}.gguf", "/h/llama.cpp/b1-cccccccc"


@pytest.mark.parametrize(("kept", "gone"), [
    ([], [RELEASE, MODEL]),
    ([{**SPEC, "provider": "b"}], []),
    ([{**SPEC, "provider": "b", "models": [{"name": "n", "source": {"path": "/n"}}]}], [MODEL]),
    ([{**SPEC, "provider": "b", "version": "b2"}], [RELEASE]),
])  # fmt: skip
def test_files_go_that_nothing_else_uses(kept: list[dict[str, object]], gone: list[str]) -> None:
    assert unneeded(host_plan, [SPEC], kept, SETTINGS, models=True, engines=True) == gone
    assert unneeded(host_plan, [SPEC], kept, SETTINGS, models=False, engines=False) == []


def test_only_what_was_brought_is_removed(tmp_path: Path) -> None:
    brought, own = tmp_path / "brought.gguf", tmp_path / "own.gguf"
    linked, folder = tmp_path / "linked.gguf", tmp_path / "b1"
    folder.mkdir()
    for path in (brought, own, folder / "x"):
        path.write_text("x")
    write_record(record_of(brought), {"sha256": "x"})
    write_record(folder / RECORD, {"sha256": "x"})
    linked.symlink_to(own)
    for path in (brought, linked, folder):
        assert discard(path, check=True).changed
        assert path.exists()
        assert discard(path, check=False).changed
        assert not discard(path, check=False).changed
    with pytest.raises(FetchError, match="was not brought by us"):
        discard(own, check=False)
    assert [path.name for path in tmp_path.iterdir()] == ["own.gguf"]


TOLD = {"providers": ["a"], "names": ["m"], "files": ["/r/a.yaml"], "failures": [], "left": [],
        "user": "llm", "check": False}  # fmt: skip
REMOVED = {"services": {"gpu01": [SPEC], "gpu02": [SPEC]}}


def test_what_is_left_is_told_with_how_to_end_it() -> None:
    assert report(TOLD, REMOVED).splitlines() == [
        "The gateway does without a, and the registry (/r/a.yaml) does not name it any more.",
        "Nobody answers to: m.",
        "Removed from gpu01: llama-server-a.service.",
        "Removed from gpu02: llama-server-a.service.",
    ]
    lines = report({**TOLD, "left": ["gpu02"]}, REMOVED).splitlines()
    assert lines[3] == "llama-server-a.service may still be on gpu02. Once it can be reached:"
    assert lines[4].startswith("  ansible gpu02 --become -m lab.llm.user_units -a '{")
    assert "as before" in report({**TOLD, "failures": ["gw: no"]}, REMOVED)
