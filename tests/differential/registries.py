"""Registries for the differential tests: each construct of the routing language is a function here.

A registry is drawn as parts, `FILE -> what stands in it`, one part a rule, so that a part of which
the compiler complains can be left out and the others kept. A new construct is a function that
draws its parts from what the providers have, and a line in `CONSTRUCTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = st.DrawFn
Parts = dict[str, dict[str, Any]]

# name -> what its providers say of it. gpt-4o has a price in LiteLLM, and is openai's there.
MODELS: dict[str, dict[str, Any]] = {
    "llama3.1:8b": {"size": "8B", "context_length": 128000, "specialty": ["chat", "code"]},
    "qwen3": {"size": "32B", "context_length": 32000, "specialty": "code"},
    "tiny": {"size": "270M", "context_length": 4096, "specialty": "chat"},
    "mixtral": {"size": "8x7B", "context_length": 32000, "specialty": "chat"},
    "gpt-4o": {"context_length": 128000, "specialty": ["chat", "vision"]},
    "meta/llama-3": {"size": "70B", "context_length": 8192},
}
HOSTED = ("vllm", "ollama", "openai_compatible", "lm_studio", "openai", "custom")
WEIGHTS = (1, 2, 9, 0.5, 0.05)
STRATEGIES = (
    *("load_balance", "usage_based", "fastest_response", "least_loaded", "lowest_cost"),
    *("direct", "ordered", "priority"),
)
# A prefix, and names that begin with it.
PREFIXES = ("px/", "gpt-", "gpt-4", "lab.", "p1/")
EXPRESSIONS = ("llama", "(qwen|mix)", "[0-9]$", "(?i)^TINY", "^(gpt|tiny)", "o$")


@dataclass(slots=True)
class Lab:
    """What has been drawn so far, for those who draw next."""

    served: dict[str, list[str]] = field(default_factory=dict)  # live provider -> its chat models
    on_trial: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # public names with rules

    @property
    def models(self) -> list[str]:
        return list(dict.fromkeys(one for models in self.served.values() for one in models))

    @property
    def providers(self) -> list[str]:
        return list(self.served)

    def takes(self, draw: Draw, *more: str) -> str:
        """A public name that has no rule yet."""
        wanted = [*more, "assistant", "fast", "chat", "coder", "gpt-4", "p1/x", "px/known", "Chat"]
        name = draw(st.sampled_from([one for one in wanted if one not in self.names]))
        self.names.append(name)
        return name

    def fallbacks(self, draw: Draw) -> list[str]:
        """Providers and names, none or some."""
        known = [*self.providers, *self.models, *self.names]
        return draw(st.lists(st.sampled_from(known), max_size=2, unique=True))


def providers(draw: Draw, lab: Lab) -> Parts:
    """Three to five that serve, in order, each with one to three models."""
    parts: Parts = {}
    for number in range(1, draw(st.integers(3, 5)) + 1):
        name = f"p{number}"
        models = draw(
            st.lists(st.sampled_from(sorted(MODELS)), min_size=1, max_size=3, unique=True)
        )
        kind = draw(st.sampled_from([*HOSTED, "llama_cpp"]))
        spec: dict[str, Any] = {"type": kind, "default_model": models[0]}
        spec["models"] = [{"name": one, **MODELS[one]} for one in models]
        if kind == "llama_cpp":
            hosts = draw(st.sampled_from(["g1", "gpus"]))
            spec["deploy"] = {"hosts": hosts, "port": 8000 + number}
            spec["models"] = [spec["models"][0] | {"source": {"path": "/m.gguf"}}]
            models = models[:1]
        else:
            spec["base_url"] = f"http://10.1.0.{number}:8000"
        lab.served[name] = models
        parts[f"provider-{name}"] = {"providers": {name: spec}}
    return parts


def other_modes(draw: Draw, lab: Lab) -> Parts:
    """A model that is no chat model, at one or two providers of its own that may share a name."""
    parts: Parts = {}
    model = {"name": "embed", "mode": draw(st.sampled_from(["embedding", "completion"]))}
    for name in ("e1", "e2")[: draw(st.integers(1, 2))]:
        spec = {"type": "vllm", "base_url": f"http://{name}:8000", "models": [model]}
        parts[f"provider-{name}"] = {"providers": {name: spec}}
    if len(parts) > 1:
        members = [
            {"provider": name, "weight": draw(st.sampled_from(WEIGHTS))} for name in ("e1", "e2")
        ]
        parts["redundant-e"] = {"redundant_models": {"search": {"providers": members}}}
    return parts


def statuses(draw: Draw, lab: Lab) -> Parts:
    """Providers that do not serve, or only by testing/NAME."""
    status = draw(st.sampled_from(["testing", "disabled", "deprecated", "template"]))
    models = draw(st.lists(st.sampled_from(sorted(MODELS)), min_size=1, max_size=2, unique=True))
    spec = {"type": "vllm", "base_url": "http://s1:8000", "status": status, "models": models}
    return {"provider-s1": {"providers": {"s1": spec}}}


def canaries(draw: Draw, lab: Lab) -> Parts:
    """One or two on trial, for models that others serve."""
    parts: Parts = {}
    for name in ("t1", "t2")[: draw(st.integers(1, 2))]:
        models = draw(st.lists(st.sampled_from(lab.models), min_size=1, max_size=2, unique=True))
        traffic = draw(st.sampled_from(["5%", "20%", "50%"]))
        spec = {"type": "vllm", "base_url": f"http://{name}:8000", "status": "testing"}
        spec |= {"traffic": traffic, "models": models}
        lab.on_trial.append(name)
        parts[f"provider-{name}"] = {"providers": {name: spec}}
    return parts


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
        _with_fallback(rule, [one for one in lab.fallbacks(draw) if one != name])
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
        _with_fallback(rule, [drawn] if drawn else lab.fallbacks(draw))
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
        _with_fallback(rule, [one for one in drawn if one])
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
        _with_fallback(rule, lab.fallbacks(draw))
        parts[f"capability-{number}"] = {"capabilities": {name: rule}}
    lab.names += [name for part in parts.values() for name in part["capabilities"]]
    return parts


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


def aliases(draw: Draw, lab: Lab) -> Parts:
    """Another name for a name."""
    meant = draw(st.sampled_from([*lab.models, *lab.names]))
    return {"alias": {"aliases": {lab.takes(draw): meant}}}


Construct = Callable[[Draw, Lab], Parts]
# How many of four registries have it; in the order in which they are drawn.
CONSTRUCTS: tuple[tuple[int, Construct], ...] = (
    (1, other_modes),
    (1, statuses),
    (2, canaries),
    (3, exact_matches),
    (2, redundant_models),
    (2, patterns),
    (2, capabilities),
    (1, sizes),
    (2, chains),
    (2, limits),
    (1, routing_rules),
    (1, conditions),
    (1, aliases),
)


@st.composite
def registries(draw: Draw) -> Parts:
    """Parts by the name of their file."""
    lab = Lab()
    parts = providers(draw, lab)
    for often, construct in CONSTRUCTS:
        if draw(st.integers(0, 3)) >= 4 - often:  # none is the simplest
            parts |= construct(draw, lab)
    return parts


def _with_fallback(rule: dict[str, Any], names: list[str]) -> None:
    if names:
        rule["fallback"] = names[0] if len(names) == 1 else names
