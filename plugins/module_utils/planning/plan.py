# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what a run would change, on the gateways and on each host, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..placement.report import errors, tables, warnings
from ..routing.compare_params import ADD, CHANGE, REMOVE
from ..routing.compare_words import counted, listed
from .looked import seen_by_us, unseen
from .services import notes_of, plan_host

Found = Mapping[str, Any]
Item = dict[str, str]
Group = dict[str, Any]
GROUPS = {
    "Providers": ("provider",),
    "Names and routes": ("name", "route", "fallback", "alias", "strategy", "retries", "order"),
    "Limits": ("limit", "budget", "price", "timeout"),
    "Deployments": ("address", "key", "model", "mode", "header", "tags", "deployment"),
    "Settings": ("setting",),
    "Health and proof": ("health", "proof"),
    "Secrets": ("variable", "secret"),
    "LiteLLM": ("litellm", "packages", "launcher", "program"),
}
REST = "The gateway itself"
SIGNS = {ADD: "+", CHANGE: "~", REMOVE: "-"}


def plan(
    check: Found,
    gateways: Mapping[str, Found],
    hosts: Mapping[str, Found],
    placed: Mapping[str, Found] | None = None,
) -> dict[str, Any]:
    """JSON-ready. `check` is the result of lab.llm.registry, `gateways` are those of
    lab.llm.gateway_plan by host, `hosts` those of lab.llm.service_plan; one of a host that could
    not be looked at has `unreachable` or `failed`, and a `msg`. `placed` is the placement on the
    GPUs of each host that was asked for them.

    Returns ok (whether all was looked at), changes (how many; what is the same on all gateways is
    one), add, change, remove, groups ([{name, host, items}]), secrets ({needed, missing}),
    placement, refused, notes, not_seen ({host: why}), generation and next (of the first gateway),
    gateways ({host: {generation, next}}), file.
    """
    not_seen = unseen([*gateways.items(), *hosts.items()])
    looked_at = {name: found for name, found in gateways.items() if seen_by_us(found)}
    numbers = {
        name: {"generation": found.get("current"), "next": found.get("next")}
        for name, found in gateways.items()
    }
    missing = list(check.get("missing_variables", ()))
    groups = [*_of_all_gateways(looked_at), *_of_hosts(check, hosts, missing)]
    verbs = [item["verb"] for group in groups for item in group["items"]]
    return {
        "ok": not not_seen,
        "changes": len(verbs),
        **{verb: verbs.count(verb) for verb in SIGNS},
        "groups": groups,
        "secrets": {"needed": [v["name"] for v in check["variables"]], "missing": missing},
        "placement": placed or {},
        "refused": [
            *_lacking(check, gateways, missing),
            *_refused(looked_at, hosts),
            *(f"{host}: {one}" for host, told in (placed or {}).items() for one in errors(told)),
        ],
        "notes": [*_of_gateways(looked_at, "notes"), *_notes(hosts), *_of_gpus(placed or {})],
        "not_seen": not_seen,
        **next(iter(numbers.values()), {"generation": None, "next": None}),
        "gateways": numbers,
        "file": check.get("file", ""),
    }


def lines(told: Found) -> list[str]:
    """For people: a line a change, by group, then what stands in the way, and the summary."""
    found = []
    for group in told["groups"]:
        found.append(group["name"])
        found += [f"  {SIGNS[item['verb']]} {item['text']}" for item in group["items"]]
    for host, placed in told["placement"].items():
        found += tables(host, placed)
    for host, why in told["not_seen"].items():
        found.append(f"! {host} could not be looked at, so nothing is said of it: {why}")
    found += [f"! {reason}" for reason in told["refused"]]
    found += told["notes"]
    return [*found, summary(told)]


def summary(told: Found) -> str:
    """One line."""
    secrets = len(told["secrets"]["missing"])
    lacking = f"{counted(secrets, 'secret')} {'is' if secrets == 1 else 'are'} missing"
    ends = [lacking] if secrets else []
    if told["not_seen"]:
        ends.append(f"not looked at: {listed(told['not_seen'])}")
    if told["refused"] and not secrets:
        ends.append("it would not begin, see above")
    said = "no change: what serves is what the registry declares"
    if told["changes"]:
        said = f"{told['add']} to add, {told['change']} to change, {told['remove']} to remove"
    elif told["not_seen"]:
        said = "no change where it was looked at"
    end = "." if not told["changes"] else _how(told)
    return f"plan: {'; '.join([said, *ends])}{end}"


def ending(told: Found) -> str:
    """Why a run ends with an error that has a plan to show."""
    if told["not_seen"]:
        return f"Not looked at: {listed(told['not_seen'])}. So this is not the whole plan."
    return "There is something to change."


def _how(told: Found) -> str:
    if told["file"]:
        return (
            f". To make it so: ansible-playbook playbooks/add_provider.yml -e file={told['file']}"
        )
    return ". To make it so: ansible-playbook playbooks/site.yml"


def _of_all_gateways(gateways: Mapping[str, Found]) -> Iterator[Group]:
    """What all of them have in common by what it is about, then each one's own by its name."""
    shared, own = _shared([found.get("items", ()) for found in gateways.values()])
    yield from (group for group in _gateway_groups(shared) if group["items"])
    for name, mine in zip(gateways, own, strict=True):
        if mine:
            yield {"name": name, "host": name, "items": mine}


def _of_hosts(check: Found, hosts: Mapping[str, Found], missing: Sequence[str]) -> Iterator[Group]:
    for host, found in hosts.items():
        if seen_by_us(found):
            changes = plan_host(found, check["services"].get(host, ()), missing)
            if own := [change.as_dict() for change in changes]:
                yield {"name": host, "host": host, "items": own}


def _gateway_groups(items: Sequence[Item]) -> list[Group]:
    kinds = {kind: name for name, members in GROUPS.items() for kind in members}
    names = [*GROUPS, REST]
    return [
        {
            "name": name,
            "host": "",
            "items": [item for item in items if kinds.get(item["kind"], REST) == name],
        }
        for name in names
    ]


def _shared(lists: Sequence[Sequence[Any]]) -> tuple[list[Any], list[list[Any]]]:
    """What all of the lists have, and what each has besides."""
    shared = [one for one in lists[0] if all(one in other for other in lists)] if lists else []
    return shared, [[one for one in each if one not in shared] for each in lists]


def _lacking(check: Found, gateways: Mapping[str, Found], missing: Sequence[str]) -> Iterator[str]:
    """Names without a value here; whether the gateways' hosts hold one, if that is known."""
    needed = {one["name"]: one["needed_by"] for one in check["variables"]}
    for name in missing:
        hold = all("missing" in one and name not in one["missing"] for one in gateways.values())
        held = _HELD if gateways and hold else ""
        yield (
            f"{name} has no value here, needed by {listed(needed[name])}{held}: export it where "
            "ansible-playbook runs, or put it into llm_secrets in a vault"
        )


_HELD = " (the gateway's host holds one)"


def _refused(gateways: Mapping[str, Found], hosts: Mapping[str, Found]) -> Iterator[str]:
    for reason in _of_gateways(gateways, "refused"):
        yield f"the gateway would not be changed: {reason}"
    for host, found in hosts.items():
        for problem in found.get("problems", ()):
            yield f"{host}: {problem}"


def _of_gateways(gateways: Mapping[str, Found], key: str) -> list[str]:
    """What they say, with the name of the one that says it where not all do."""
    said = {name: found.get(key, ()) for name, found in gateways.items()}
    shared, own = _shared([*said.values()])
    each = zip(said, own, strict=True)
    return [*shared, *(f"{name}: {one}" for name, mine in each for one in mine)]


def _of_gpus(placed: Mapping[str, Found]) -> Iterator[str]:
    for host, told in placed.items():
        yield from (f"{host}: {one}" for one in [*warnings(told), *told["notes"]])


def _notes(hosts: Mapping[str, Found]) -> Iterator[str]:
    for host, found in hosts.items():
        if seen_by_us(found):
            yield from notes_of(host, found)
