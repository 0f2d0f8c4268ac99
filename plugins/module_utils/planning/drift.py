# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: what is not as it was deployed, on the gateways and on each host."""

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
    gateways: Mapping[str, Found], hosts: Mapping[str, Found], user: str = "llm"
) -> dict[str, Any]:
    """JSON-ready. `gateways` are the results of lab.llm.gateway_drift by host, `hosts` those of
    lab.llm.service_drift; one that could not be looked at has a `msg`.

    Returns ok (whether all was looked at), drift (how many findings), findings, notes, not_seen
    ({host: why}), generation (of the first gateway), generations ({gateway: number}).
    """
    not_seen = unseen([*gateways.items(), *hosts.items()])
    on_hosts = {host: _on_host(host, seen, user) for host, seen in hosts.items()}
    found: list[Finding] = []
    for name, gateway in gateways.items():
        if seen_by_us(gateway):
            found += [Finding(**{**one, "host": name}) for one in gateway["findings"]]
    found += [one for own in on_hosts.values() for one in own or ()]
    for name, gateway in gateways.items():
        stopped = _stopped(gateway.get("expected", {}), on_hosts)
        silent = of_backends(gateway.get("backends", ()), stopped)
        found += [replace(one, host=name) for one in silent]
    notes = [note for gateway in gateways.values() for note in gateway.get("notes", ())]
    notes += [note for host, seen in hosts.items() for note in _notes(host, seen)]
    numbers = {name: gateway.get("current") for name, gateway in gateways.items()}
    return {
        "ok": not not_seen,
        "drift": len(found),
        "findings": [one.as_dict() for one in found],
        "notes": list(dict.fromkeys(notes)),
        "not_seen": not_seen,
        "generation": next(iter(numbers.values()), None),
        "generations": numbers,
    }


def expected(gateways: Mapping[str, Found]) -> dict[str, dict[str, Any]]:
    """host -> provider -> its unit and port, as the gateways together expect them."""
    found: dict[str, dict[str, Any]] = {}
    for gateway in gateways.values():
        for host, units in gateway.get("expected", {}).items():
            found.setdefault(host, {}).update(units)
    return found


def _on_host(host: str, seen: Found, user: str) -> list[Finding] | None:
    return [*of_host(host, seen, user)] if seen_by_us(seen) else None


def _stopped(
    units: Mapping[str, Found], on_hosts: Mapping[str, list[Finding] | None]
) -> list[tuple[str, str]]:
    """Of what a gateway expects: the (provider, host) that is known not to run, or not seen."""
    found = []
    for host, own in on_hosts.items():
        down = None if own is None else {o.subject for o in own if o.kind in ("state", "gone")}
        names = units.get(host, {})
        found += [(p, host) for p, one in names.items() if down is None or one["unit"] in down]
    return found


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
    numbers = list(dict.fromkeys(one for one in told["generations"].values() if one))
    number = f" ({_serving(numbers, told['generations'])})" if numbers else ""
    return f"drift: {'; '.join([said + number, *ends])}."


def _serving(numbers: list[int], by_gateway: Mapping[str, Any]) -> str:
    if len(numbers) == 1:
        return f"generation {numbers[0]}"
    return "generations " + listed(f"{one} on {name}" for name, one in by_gateway.items())


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
