"""Constructs that make names: each is a function that draws its parts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .lab import EXPRESSIONS, PREFIXES, STRATEGIES, WEIGHTS, Draw, Lab, Parts, with_fallback


def exact_matches(draw: Draw, lab: Lab) -> Parts:
    """Up to three, of new names or of a model's own."""
    parts: Parts = {}
    for number in range(draw(st.integers(1, 3))):
        provider = draw(st.sampled_from(lab.providers))
        own = lab.served[provider]
        rule: dict[str, Any] = {"provider": provider}
        name = lab.takes(draw, *own)
        rule["backend_model"] = name if name in own else draw(st.sampled_from(own))
        rule["priority"] = draw(st.sampled_from(["primary", "primary", "secondary", "tertiary"]))
        with_fallback(rule, [one for one in lab.fallbacks(draw) if one != name])
        parts[f"exact-{number}"] = {"exact_matches": {name: rule}}
    return parts


def redundant_models(draw: Draw, lab: Lab) -> Parts:
    """Up to two, mostly with weights, mostly with a fallback."""
    parts: Parts = {}
    for number in range(draw(st.integers(1, 2))):
        members = []
        most = min(3, len(lab.providers))
        weighted = draw(st.integers(0, 3)) > 0
        chosen = st.lists(st.sampled_from(lab.providers), min_size=2, max_size=most, unique=True)
        for provider in draw(chosen):
            model = draw(st.sampled_from(lab.served[provider]))
            member: dict[str, Any] = {"provider": provider, "model": model}
            if weighted:
                member["weight"] = draw(st.sampled_from(WEIGHTS))
            members.append(member)
        rule: dict[str, Any] = {"providers": members}
        name = lab.takes(draw)
        spare = [one for one in lab.providers if one not in {m["provider"] for m in members}]
        drawn = draw(st.sampled_from([*spare, *spare, ""])) if spare else ""
        with_fallback(rule, [drawn] if drawn else lab.fallbacks(draw))
        section = draw(st.sampled_from(["redundant_models", "redundant_models", "load_balancing"]))
        parts[f"redundant-{number}"] = {section: {name: rule}}
    return parts


def patterns(draw: Draw, lab: Lab) -> Parts:
    """Prefixes, the longer before the shorter, then other expressions."""
    rules: list[dict[str, Any]] = []
    prefixes = draw(st.lists(st.sampled_from(PREFIXES), min_size=1, max_size=3, unique=True))
    for prefix in sorted(prefixes, key=len, reverse=True):
        end = draw(st.sampled_from(["", ".*", ".*$", ".+"]))
        rules.append({"pattern": f"^{prefix.replace('.', chr(92) + '.')}{end}"})
    rules += [
        {"pattern": one}
        for one in draw(st.lists(st.sampled_from(EXPRESSIONS), max_size=2, unique=True))
    ]
    for rule in rules:
        rule["provider"] = draw(st.sampled_from(lab.providers))
        if draw(st.integers(0, 3)):
            rule["backend_model"] = draw(st.sampled_from(lab.served[rule["provider"]]))
        others = [one for one in lab.providers if one != rule["provider"]]
        known = [*others, *others, *lab.names, ""]
        drawn = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
        with_fallback(rule, [one for one in drawn if one])
    # One file each: they are read in the order of the files' names.
    return {f"pattern-{number}": {"patterns": [rule]} for number, rule in enumerate(rules)}


def capabilities(draw: Draw, lab: Lab) -> Parts:
    """Two or three that have a model in common."""
    parts: Parts = {}
    common = draw(st.sampled_from([*lab.models, *lab.names]))
    for number in range(draw(st.integers(2, 3))):
        name = ("code", "writing", "task")[number]
        rule: dict[str, Any] = {}
        kind = draw(st.integers(0, 4))
        if kind <= 2:
            known = [one for one in (*lab.models, *lab.names) if one != common]
            more = draw(st.lists(st.sampled_from(known), max_size=2, unique=True)) if known else []
            rule["preferred_models"] = draw(st.permutations([common, *more]))
        elif kind == 3:
            rule["specialty"] = draw(st.sampled_from(["chat", "code", ["chat", "code"]]))
        else:
            rule["min_model_size"] = draw(st.sampled_from(["1B", "8B", "30B"]))
        if draw(st.booleans()):
            rule["routing_strategy"] = draw(st.sampled_from(STRATEGIES))
        with_fallback(rule, lab.fallbacks(draw))
        parts[f"capability-{number}"] = {"capabilities": {name: rule}}
    lab.names += [name for part in parts.values() for name in part["capabilities"]]
    return parts


def aliases(draw: Draw, lab: Lab) -> Parts:
    """Another name for a name."""
    meant = draw(st.sampled_from([*lab.models, *lab.names]))
    return {"alias": {"aliases": {lab.takes(draw): meant}}}
