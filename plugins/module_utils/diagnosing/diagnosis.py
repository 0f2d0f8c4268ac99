# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A diagnosis: all that was seen, put together, with its most likely cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..planning.findings import systemctl
from ..planning.looked import seen_by_us, why_not
from .rows import Row, masked, row
from .rule import Rule
from .rules import RULES

SKEW_SECONDS = 30.0  # certificates and AWS's signatures live with minutes; logs do with this
_OF_INSTANCE = frozenset(
    {"unit", "restarts", "journal", "key_here", "health_here", "models_here", "port_here"}
    | {"firewall", "gpu"}
)
Found = Mapping[str, Any]


def diagnosis(asked: Found, results: Mapping[str, Found], user: str = "llm") -> dict[str, Any]:
    """JSON-ready: {ok, provider, healthy, cause, fix, warnings, checks, not_seen}.

    `asked` is the result of lab.llm.diagnosis_questions, `results` are those of
    lab.llm.provider_diagnose by host. `cause` and `fix` are "" where nothing is wrong; of several
    instances `also` has the other causes. `ok` is whether every host was looked at.
    """
    rows = [*_placed(asked["rows"], ""), *_rows(asked, results)]
    rows = masked(rows, [])
    causes, warnings = _causes(asked, rows, user)
    first = causes[0] if causes else {"cause": "", "fix": ""}
    not_seen = {h: why_not(r) for h, r in results.items() if not seen_by_us(r)}
    return {
        "ok": not not_seen,
        "provider": asked["provider"],
        "about": asked["about"],
        "healthy": not causes,
        **first,
        "also": causes[1:],
        "warnings": warnings,
        "checks": rows,
        "not_seen": not_seen,
    }


def _rows(asked: Found, results: Mapping[str, Found]) -> Iterator[Row]:
    """Of each host, the gateways first. `at` is the host, `target` that of the instance."""
    for host in asked["hosts"]:
        result = results.get(host, {})
        if seen_by_us(result):
            yield from _placed(result["rows"], host)
            yield from _clock(host, result)
            continue
        fault = "unreachable" if result.get("unreachable") else "failed"
        seen = row("reach", f"to log in at {host}", "reached", why_not(result), fault)
        # Without a gateway nothing is known of any instance.
        mine = "" if host in asked["about"]["gateways"] else host
        yield {**seen, "at": host, "target": mine}


def _placed(rows: Sequence[Row], host: str) -> Iterator[Row]:
    for one in rows:
        own = host if one["check"] in _OF_INSTANCE else ""
        yield {**one, "at": host, "target": one.get("target") or own}


def _clock(host: str, result: Found) -> Iterator[Row]:
    """Against the controller's, and that of whoever else answered from there."""
    low, high = result["skew"]
    sure = low if low > 0 else high if high < 0 else 0.0
    seen = f"{abs(sure):.0f} s {'ahead of' if sure > 0 else 'behind'} the controller's"
    good = f"less than {max(abs(low), abs(high), 0.5):.1f} s from the controller's"
    asked, expected = f"the clock of {host}", f"within {SKEW_SECONDS:g} s"
    fault = "skewed" if abs(sure) > SKEW_SECONDS else ""
    yield from _placed([row("clock", asked, expected, seen if sure else good, fault)], host)
    told = [one["about"]["ahead"] for one in result["rows"] if "ahead" in one.get("about", {})]
    if told:
        ahead = min(told, key=abs)
        fault = "skewed" if abs(ahead) > SKEW_SECONDS else ""
        seen = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the provider's"
        yield from _placed([row("clock", asked, expected, seen, fault)], host)


def _causes(
    asked: Found, rows: Sequence[Row], user: str
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """(causes, warnings), each {cause, fix}: of each instance the first of the table."""
    targets = dict.fromkeys([*asked["about"]["hosts"]] or [""])
    found: list[tuple[int, dict[str, str]]] = []
    warnings: dict[str, dict[str, str]] = {}
    for target in targets:
        about_it = [one for one in rows if one["target"] in ("", target)]
        hits = list(_hits(asked, about_it, target, user))
        found += [(n, said) for n, rule, said in hits if not rule.warns][:1]
        warnings.update({said["cause"]: said for _n, rule, said in hits if rule.warns})
    sorted_ = [said for _number, said in sorted(found, key=lambda one: one[0])]
    causes = list({said["cause"]: said for said in sorted_}.values())
    told = {one["cause"] for one in causes}
    return causes, [one for cause, one in warnings.items() if cause not in told]


def _hits(
    asked: Found, rows: Sequence[Row], target: str, user: str
) -> Iterator[tuple[int, Rule, dict[str, str]]]:
    used: list[int] = []
    for number, rule in enumerate(RULES):
        for one in rows:
            fits = one["check"] == rule.check and one["fault"] in rule.faults
            if fits and id(one) not in used and _given(asked, rows, one, rule):
                used.append(id(one))
                values = _Values(asked, one, target, user)
                said = (rule.cause, rule.fix)
                cause, fix = (text.format_map(values) for text in said)
                yield number, rule, {"cause": cause, "fix": fix}


def _given(asked: Found, rows: Sequence[Row], hit: Row, rule: Rule) -> bool:
    return all(_holds(asked, rows, hit, *one) for one in rule.given)


def _holds(asked: Found, rows: Sequence[Row], hit: Row, check: str, fault: str) -> bool:
    if check == "role":
        return hit["at"] in asked["about"]["gateways"]
    mine = [one for one in rows if one["check"] == check]
    if fault == "ok":
        return bool(mine) and all(one["ok"] for one in mine)
    if fault == "none":
        return not [one for one in mine if one["ok"] is not None]
    if fault == "*":
        return any(one["fault"] for one in mine)
    return any(one["fault"] == fault for one in mine)


class _Values(dict[str, Any]):
    """What the sentences may name; "" for what is not known."""

    def __init__(self, asked: Found, one: Row, target: str, user: str) -> None:
        about = asked["about"]
        own = asked["hosts"].get(target, {}).get("instance") or {}
        host = target or one["at"]
        known = {k: v for k, v in about.items() if isinstance(v, str)}
        known |= {k: v for k, v in own.items() if isinstance(v, (str, int))}
        super().__init__({**known, **one["about"]})
        told = one["about"]
        for word in ("start", "restart"):
            unit = told.get("unit") or own.get("unit", "")
            self[word] = systemctl(f"{word} {unit}", host, user)
        names = told.get("names")
        self |= {
            "provider": about["provider"],
            "place": about["place"],
            "target": host,
            "at": one["at"],
            "seen": str(one["seen"]).rstrip("."),
            "listens": told.get("at", ""),
            "status_code": told.get("status", "") or "no answer",
            "status": about["status"],
            "variable": told.get("variable") or about["variable"],
            "names_shown": f": {names}" if names else "",
            "authorities": told.get("authorities") or "the host's list",
            "allow": _allow(told, own),
            "tell": "See to the server's TLS.",
        }

    def __missing__(self, key: str) -> str:
        return ""


def _allow(told: Found, own: Found) -> str:
    """How the front end that is at work lets the gateway in; nothing of ours changes a firewall."""
    source, port = told.get("source", ""), told.get("port") or own.get("port", "")
    words = {
        "ufw": f"`ufw allow from {source} to any port {port} proto tcp`",
        "firewalld": "`firewall-cmd --permanent --add-rich-rule='rule family=ipv4 source "
        f"address={source} port port={port} protocol=tcp accept'`, then `firewall-cmd --reload`",
    }
    way = words.get(str(told.get("front", "")))
    let = f"Let TCP port {port} in from {source} there"
    return f"{let}: {way}." if way else f"{let}, before that rule."
