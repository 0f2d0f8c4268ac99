"""Constructs that hold for names of others: each is a function that draws its parts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .lab import STRATEGIES, Draw, Lab, Parts


def sizes(draw: Draw, lab: Lab) -> Parts:
    """Ranges without a gap, each with a provider."""
    first, second = draw(st.sampled_from([("8B", "32B"), ("1B", "10B"), ("9B", "60B")]))
    who = [draw(st.sampled_from(lab.providers)) for _ in range(3)]
    ranges = [f"< {first}", f"{first} - {second}", f"> {second}"]
    rules = [{"size": size, "provider": one} for size, one in zip(ranges, who, strict=True)]
    return {"sizes": {"model_size_routing": rules}}


def chains(draw: Draw, lab: Lab) -> Parts:
    """Chains in both forms, with tries where they differ from others'."""
    parts: Parts = {}
    if draw(st.booleans()):
        first = draw(st.sampled_from([*lab.models, *lab.names]))
        known = [one for one in (*lab.models, *lab.providers) if one != first]
        then = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True))
        parts["chain-names"] = {"fallback_chains": {first: then}}
    if draw(st.booleans()) or not parts:
        many = min(3, len(lab.providers))
        who = draw(st.lists(st.sampled_from(lab.providers), min_size=2, max_size=many, unique=True))
        words = ("primary", "secondary", "tertiary")
        chain: dict[str, Any] = {
            "chain": [{word: one} for word, one in zip(words, who, strict=False)]
        }
        if draw(st.booleans()):
            chain |= {"retry_attempts": draw(st.integers(0, 3)), "retry_delay_ms": 1}
        parts["chain-steps"] = {"fallback_chains": {"steps": chain}}
    return parts


def limits(draw: Draw, lab: Lab) -> Parts:
    """A limit that is soon reached, for one provider or two."""
    parts: Parts = {}
    many = st.lists(st.sampled_from(lab.providers), min_size=1, max_size=2, unique=True)
    for provider in draw(many):
        rpm = st.integers(1, 4)
        split = {one: {"rpm": draw(rpm)} for one in lab.served[provider]}
        parts[f"limit-{provider}"] = {
            "rate_limit_settings": {"limits": {provider: {"models": split}}}
        }
    return parts


def routing_rules(draw: Draw, lab: Lab) -> Parts:
    """What holds for all names."""
    parts: Parts = {}
    provider = st.sampled_from(lab.providers)
    if draw(st.booleans()):
        parts["rule-default"] = {"routing_rules": {"default_provider": draw(provider)}}
    if draw(st.booleans()):
        parts["rule-fallback"] = {"routing_rules": {"default_fallback": draw(provider)}}
    if draw(st.booleans()):
        balanced = {"enabled": True, "strategy": draw(st.sampled_from(STRATEGIES))}
        parts["rule-balancing"] = {"routing_rules": {"load_balancing": balanced}}
    if draw(st.booleans()):
        parts["rule-tries"] = {"routing_rules": {"retry_attempts": draw(st.integers(0, 2))}}
    return parts


def conditions(draw: Draw, lab: Lab) -> Parts:
    """Tags and User-Agents."""
    rules: dict[str, Any] = {}
    said = [{"tag": "batch"}, {"user_agent": "^curl"}, {"tag": "fast"}]
    for number, condition in enumerate(said[: draw(st.integers(1, 3))]):
        rule: dict[str, Any] = {"condition": condition}
        rule["provider"] = draw(st.sampled_from(lab.providers))
        if draw(st.booleans()):
            rule["fallback"] = draw(st.sampled_from(lab.providers))
        rules[f"c{number}"] = rule
    return {"conditions": {"routing_rules": {"request_metadata_routing": rules}}}
