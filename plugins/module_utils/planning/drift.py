# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: what is not as it was deployed, on the gateway and on each host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..routing.compare_words import counted, listed
from .findings import SITE, Finding, systemctl
from .looked import seen_by_us, unseen
from .process import of_backends
from .unit_words import differences

Found = Mapping[str, Any]


def drift(
    gateway: Found, hosts: Mapping[str, Found], name: str = "gateway", user: str = "llm"
) -> dict[str, Any]:
    """JSON-ready. `gateway` is the result of lab.llm.gateway_drift on the host `name`, `hosts` are
    those of lab.llm.service_drift; one that could not be looked at has a `msg`.

    Returns ok (whether all was looked at), drift (how many findings), findings, notes, not_seen
    ({host: why}), generation.
    """
    not_seen = unseen([(name, gateway), *hosts.items()])
    found: list[Finding] = []
    if seen_by_us(gateway):
        found += [Finding(**{**one, "host": name}) for one in gateway["findings"]]
    stopped = []
    for host, seen in hosts.items():
        if seen_by_us(seen):
            own = list(of_host(host, seen, user))
            found += own
            down = [one.subject for one in own if one.kind in ("state", "gone")]
            names = gateway.get("expected", {}).get(host, {})
            stopped += [(p, host) for p, one in names.items() if one["unit"] in down]
        else:
            stopped += [(p, host) for p in gateway.get("expected", {}).get(host, {})]
    found += [replace(one, host=name) for one in of_backends(gateway.get("backends", ()), stopped)]
    notes = [*gateway.get("notes", ()), *(n for h, s in hosts.items() for n in _notes(h, s))]
    return {
        "ok": not not_seen,
        "drift": len(found),
        "findings": [one.as_dict() for one in found],
        "notes": notes,
        "not_seen": not_seen,
        "generation": gateway.get("current"),
    }


def of_host(host: str, seen: Found, user: str) -> Iterator[Finding]:
    """What is another on a host of backends."""
    if seen["systemd"]:
        text = f"the user's systemd does not answer: {seen['systemd']}"
        yield Finding("systemd", user, "answers", seen["systemd"], text, host=host)
        return
    for row in seen["units"]:
        yield from _unit(host, row, user)


def _unit(host: str, row: Found, user: str) -> Iterator[Finding]:
    name = row["unit"]
    if row["file"] == "gone":
        text = f"unit {name} is gone"
        yield Finding("gone", name, "there", "gone", text, host=host)
        return
    if row["file"] == "foreign":
        fix = f"move ~{user}/.config/systemd/user/{name} away on {host}, then {SITE}"
        text = f"unit {name} was written by somebody else in the place of ours"
        yield Finding("unit", name, "ours", "somebody else's", text, fix, host)
    elif row["was"] is not None:
        words = "; ".join(differences(row["was"], row["text"] or ""))
        text = f"unit {name} was changed: {words}"
        yield Finding("unit", name, "as deployed", words, text, host=host)
    yield from _state(host, row, user)
    if row["secrets"]:
        text = f"the key of {name} is not the one that it was started with"
        yield Finding("secret", name, "as deployed", "another", text, host=host)
    if row["mode"]:
        text = f"the file of {name}'s key has the mode {row['mode']}: others may read it"
        yield Finding("mode", name, "0600", row["mode"], text, host=host)
    for words in row["watch"]:
        text = f"{words}, which {name} was started with"
        yield Finding("file", name, "as deployed", words, text, host=host)


def _state(host: str, row: Found, user: str) -> Iterator[Finding]:
    name = row["unit"]
    if row["active"] not in ("active", "reloading"):
        why = f" ({row['result']})" if row["result"] not in ("", "success") else ""
        text = f"{name} does not run: it is {row['active'] or 'not there'}{why}"
        yield Finding("state", name, "active", row["active"], text, host=host)
    if not row["enabled"]:
        text = f"{name} does not start at boot any more"
        yield Finding("boot", name, "enabled", "disabled", text, host=host)
    if row["reload"]:
        text = f"{name}: systemd runs an older text of it than the one on the disk"
        fix = systemctl("daemon-reload", host, user)
        yield Finding("reload", name, "loaded", "not loaded", text, fix, host)
    if row["holder"]:
        text = f"the port of {name}: {row['holder']}"
        fix = f"stop that process, then {SITE}"
        yield Finding("port", name, name, row["holder"], text, fix, host)


def lines(told: Found) -> list[str]:
    """For people: a host, its findings with what mends each, and the summary."""
    found: list[str] = []
    for host in dict.fromkeys(one["host"] for one in told["findings"]):
        found.append(host)
        for one in told["findings"]:
            if one["host"] == host:
                found += [f"  ! {one['text']}", f"    mend: {one['fix']}"]
    for host, why in told["not_seen"].items():
        found.append(f"! {host} could not be looked at, so nothing is said of it: {why}")
    return [*found, *told["notes"], summary(told)]


def summary(told: Found) -> str:
    """One line."""
    if told["generation"] is None and not told["not_seen"]:
        return "drift: nothing serves yet, so there is nothing to compare."
    said = "no drift: all is as it was deployed"
    if told["drift"]:
        said = f"{counted(told['drift'], 'thing')} not as deployed"
    elif told["not_seen"]:
        said = "no drift where it was looked at"
    ends = [f"not looked at: {listed(told['not_seen'])}"] if told["not_seen"] else []
    number = f" (generation {told['generation']})" if told["generation"] else ""
    return f"drift: {'; '.join([said + number, *ends])}."


def ending(told: Found) -> str:
    """Why a run ends with an error that has something to show."""
    if told["not_seen"]:
        return f"Not looked at: {listed(told['not_seen'])}. So this is not all."
    return "Not all is as it was deployed."


def _notes(host: str, seen: Found) -> Iterator[str]:
    for row in seen.get("units", ()):
        if row["drop_ins"]:
            drop_ins = ", ".join(row["drop_ins"])
            yield f"{row['unit']} on {host} has a drop-in of its user's: {drop_ins}."
        if not row["expected"] and row["file"] == "ours":
            yield f"{row['unit']} on {host} is ours, and the gateway does not ask it."
    for name in seen.get("leftover", ()):
        yield f"{name} on {host} is ours, and the gateway does not ask it."
