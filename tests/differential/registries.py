"""Registries for the differential tests: each construct of the routing language is a function,
here or in drawn_names.py and drawn_policies.py.

A registry is drawn as parts, `FILE -> what stands in it`, one part a rule, so that a part of which
the compiler complains can be left out and the others kept. A new construct is a function that
draws its parts from what the providers have, and a line in `CONSTRUCTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from .drawn_names import aliases, capabilities, exact_matches, patterns, redundant_models
from .drawn_policies import chains, conditions, limits, routing_rules, sizes
from .lab import HOSTED, MODELS, WEIGHTS, Draw, Lab, Parts


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
