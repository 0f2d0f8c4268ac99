# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a playbook ended, for people and for programs, by what its plays have noted on each host.

`llm_failure` is the message of what failed there, `llm_left` the name of a host where something of
ours may still be, `gateway_result` the change of the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import fleet, removal_report, rotation
from .checklist import Checklist, as_lines, recorded
from .switching.report import report

Hosts = Mapping[str, Mapping[str, Any]]
Facts = Mapping[str, Any]
_SAID = "In check mode nothing is asked."
UNASKED: Facts = {"checks": [], "cost": [], "cost_line": "", "lines": [_SAID]}


@dataclass(frozen=True)
class Verdict:
    """`document` is for programs; `lines` are said to people in any case, `why` where it is not
    `ok`. Where nothing is to be said at all, the document is empty."""

    ok: bool
    document: Facts = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    why: str = ""

    def as_dict(self, form: str) -> dict[str, Any]:
        """{ok, report, why}: `report` is shown if it is not empty, with `why` the run fails."""
        if form != "json":
            return {"ok": self.ok, "report": [*filter(None, self.lines)], "why": self.why}
        text = json.dumps(self.document, indent=4, sort_keys=True) if self.document else ""
        return {"ok": self.ok, "report": text if self.ok else "", "why": "" if self.ok else text}


def noted(hosts: Hosts, name: str = "llm_failure") -> list[Any]:
    """The values of this variable on the hosts that have it: {host: {variable: value}}. One that
    is a list stands for as many."""
    found = [variables[name] for variables in hosts.values() if name in variables]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def verdict(kind: str, hosts: Hosts, facts: Facts) -> Verdict:
    """The end of a command; `facts` are what the kind's own function says. Raises KeyError.

    Of a change of the registry they may be `page` and `git` besides, the results of provider_page
    and registry_commit.
    """
    return _with_records(kind, KINDS[kind](hosts, facts), facts)


def _with_records(kind: str, ended: Verdict, facts: Facts) -> Verdict:
    """What the page and git have of it; a commit that was asked for and refused ends it badly."""
    page, git = (_done(facts.get(name)) for name in ("page", "git"))
    if not page and not git:
        return ended
    more = {
        "page": page.get("page", ""),
        "commit": git.get("commit", ""),
        "tag": git.get("tag", ""),
    }
    said = recorded(page, git)
    refused = said.pop() if git.get("problem") else ""
    document = {**ended.document, **more, "ok": ended.ok and not refused}
    if refused:
        document["failures"] = [*ended.document.get("failures", ()), refused]
    lines = (*ended.lines, *(said if kind != "kept" else ()))  # the checklist has it
    return Verdict(document["ok"], document, lines, "\n".join(filter(None, (ended.why, refused))))


def _done(result: Facts | None) -> Facts:
    """What a task said, nothing if it was skipped."""
    return result if result and not result.get("skipped") else {}


def _site(hosts: Hosts, facts: Facts) -> Verdict:
    """`file`: whether a file was to be added, whose own report follows; `fleet`: see fleet."""
    failures, left, told = noted(hosts), noted(hosts, "llm_left"), facts.get("fleet") or {}
    if not failures:
        return _partly(told) or Verdict(True, {} if facts["file"] else {"ok": True})
    what = "The registry and the gateway are" if facts["file"] else "The gateway is"
    more = f" The new instances may still be on {', '.join(left)}." if left else ""
    document = {"ok": False, "failures": failures, "left": left, "hosts": told.get("hosts", {})}
    why = "\n".join([*fleet.lines(told, went_on=False), f"{what} as before.{more}"])
    return Verdict(False, document, why=why)


def _partly(told: Facts) -> Verdict | None:
    """The end of a run that went on without some of the hosts."""
    lines = fleet.lines(told)
    if not lines:
        return None
    document = {"ok": False, "failures": [], "left": [], "hosts": told["hosts"]}
    document |= {"choice": told["choice"], "left_out": told["left_out"]}
    return Verdict(False, document, why="\n".join(lines))


def _kept(hosts: Hosts, facts: Facts) -> Verdict:
    """`check`: the registry action's result, of the file that was added."""
    gateway, check = _gateway(hosts), facts["check"]
    proof = gateway.get("proof") or UNASKED
    document = {"ok": True, "file": check["file"], **_measured(proof)}
    lines = (*proof["lines"], proof["cost_line"], proof.get("performance_line", ""))
    page, git = (_done(facts.get(name)) for name in ("page", "git"))
    if proof is UNASKED or not check["file_providers"] or not page:
        return Verdict(True, document, lines)
    known = {"providers": check["file_providers"], "routes": check["routes"], "gateway": gateway}
    known |= {"file": check["in_registry"]["file"], "page": page, "git": git}
    rows = Checklist(known).rows()
    return Verdict(True, {**document, "checklist": rows}, (*lines, *as_lines(rows)))


def _measured(proof: Facts) -> dict[str, Any]:
    known = {"checks": proof["checks"], "cost": proof["cost"]}
    return {**known, "performance": proof.get("performance", [])}


def _adopted(hosts: Hosts, facts: Facts) -> Verdict:
    """`file`: the name of the one that was adopted, "" if there was none."""
    number, file = _gateway(hosts)["generation"], facts["file"]
    said = f"Generation {number} serves nothing that the registry does not hold."
    if file:
        said = f"The registry holds {file} now. Generation {number} serves it."
    return Verdict(True, {"ok": True, "file": file, "generation": number}, (said,))


def _removed(hosts: Hosts, facts: Facts) -> Verdict:
    """`check`: the registry action's result; `check_mode`; `user`: whom the units run as."""
    removed, left, failures = facts["check"]["removed"], noted(hosts, "llm_left"), noted(hosts)
    told = {
        "ok": not failures and not left,
        "providers": removed["providers"],
        "names": removed["names"],
        "files": [edit["file"] for edit in facts["check"]["edits"]],
        "failures": failures,
        "left": left,
        "check": facts["check_mode"],
        "user": facts["user"],
    }
    return _reported(told, removal_report.report(told, removed))


def _rotated(hosts: Hosts, facts: Facts) -> Verdict:
    """`variable`: the key's; `check_mode`."""
    failures, gateway = noted(hosts), _gateway(hosts)
    # Another generation: that the program on the host was renewed changes no key.
    taken = not gateway.get("failed", True) and gateway["generation"] != gateway["previous"]
    told = {
        "ok": not failures,
        "variable": facts["variable"],
        "changed": taken or any(noted(hosts, "llm_keys_changed")),
        "gateway": taken,
        "generation": gateway.get("generation"),
        "failures": failures,
        "both": [name for name, one in hosts.items() if one.get("llm_takes_both")],
        "check": facts["check_mode"],
    }
    return _reported(told, rotation.report(told))


def _switched(hosts: Hosts, facts: Facts) -> Verdict:
    """`check`: the registry action's result; `check_mode`."""
    found, failures = facts["check"]["switch"], noted(hosts)
    told = {key: found[key] for key in ("provider", "slot", "old", "names")}
    told |= {"ok": not failures, "failures": failures, "left": noted(hosts, "llm_left")}
    told["cut"] = noted(hosts, "llm_cut")
    told["changed"] = any(noted(hosts, "llm_switched")) or bool(_gateway(hosts).get("changed"))
    return _reported(told, report({**told, "check": facts["check_mode"]}))


def _promoted(hosts: Hosts, facts: Facts) -> Verdict:
    """`provider`, `traffic` as it was given, `check_mode`."""
    failures, canary = noted(hosts), _canary(hosts)
    provider, traffic = facts["provider"], facts["traffic"]
    document = {"ok": not failures, "failures": failures, "canary": canary}
    document |= {"provider": provider, "traffic": traffic}
    if failures:
        return Verdict(False, document, why="The registry and the gateway are as before.")
    stays, gets = ("would be", "would get") if facts["check_mode"] else ("is", "gets")
    now = f"{stays} active" if float(traffic.replace("%", "")) == 100 else f"{gets} {traffic}"
    forced = "" if canary["allowed"] else "Forced, although: "
    before = f"{canary['share'] * 100:.4g}% before"
    return Verdict(True, document, (f"{provider} {now} now, {before}.", f"{forced}{canary['why']}"))


def _refused(hosts: Hosts, facts: Facts) -> Verdict:
    """`provider`, `traffic`, `force`: whether it gets that share whatever it has done."""
    canary, traffic = _canary(hosts), facts["traffic"]
    if canary["allowed"] or facts["force"]:
        return Verdict(True)
    document = {"ok": False, "canary": canary, "provider": facts["provider"], "traffic": traffic}
    said = "The registry and the gateway are as before. With -e force=true it gets"
    return Verdict(False, document, why=f"{canary['why']}. {said} {traffic} all the same.")


def _canary(hosts: Hosts) -> Facts:
    """What the gateways have judged: of the first that does not allow it, if there is one."""
    return min(noted(hosts, "gateway_canary"), key=lambda one: bool(one["allowed"]))


def _proven(hosts: Hosts, _facts: Facts) -> Verdict:
    proof = noted(hosts, "gateway_proof")[0]
    document = {"ok": proof["ok"], "generation": proof["generation"], **_measured(proof)}
    lines = (*proof["lines"], proof["cost_line"], proof.get("performance_line", ""))
    return Verdict(proof["ok"], document, lines, "Not all of it is so: see the lines with ❌.")


def _documented(_hosts: Hosts, facts: Facts) -> Verdict:
    """`written`: what provider_page says."""
    page = facts["written"]
    known = {"page": page["page"], "changed": page["changed"], "undocumented": page["providers"]}
    if page["problem"]:
        document = {**known, "ok": False, "failures": [page["problem"]]}
        return Verdict(False, document, why=page["problem"])
    said = f"{page['page']}: {'written' if page['changed'] else 'current already'}"
    return Verdict(True, {**known, "ok": True}, (said if page["page"] else "No page is wanted.",))


def _gateway(hosts: Hosts) -> Facts:
    return next(iter(noted(hosts, "gateway_result")), {})


def _reported(told: Facts, text: str) -> Verdict:
    """What a report says, as what failed or as what was done."""
    if told["ok"]:
        return Verdict(True, told, tuple(text.splitlines()))
    return Verdict(False, told, why=text)


KINDS: dict[str, Callable[[Hosts, Facts], Verdict]] = {
    "adopted": _adopted,
    "documented": _documented,
    "kept": _kept,
    "promoted": _promoted,
    "proven": _proven,
    "refused": _refused,
    "removed": _removed,
    "rotated": _rotated,
    "site": _site,
    "switched": _switched,
}
