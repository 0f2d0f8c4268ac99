# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would be done on a host for its services, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..engines.common import names_of
from ..routing.compare_params import ADD, CHANGE, REMOVE, Change
from .looked import seen_by_us
from .unit_words import differences

Found = Mapping[str, Any]
Specs = Sequence[Mapping[str, Any]]
_ABSENT = ("absent", "empty")


def plan_host(found: Found, specs: Specs, missing: Collection[str] = ()) -> list[Change]:
    """`found` is what lab.llm.service_plan says of a host; `specs` are the services that it is to
    run. Of a key whose variable is `missing` nothing can be told."""
    known = {spec["unit"]: spec for spec in specs}
    keyless = {name for name, spec in known.items() if spec.get("key_variable") in missing}
    changes = [Change("user", "", f"the services' user: {w}", ADD) for w in found["account"]]
    changes += [
        Change("program", path, f"{path} is not there: its package is installed", ADD)
        for path in found["programs"]
    ]
    changes += [_artifact(one) for one in found["artifacts"]]
    for name, done in found["units"].items():
        if name in keyless and set(done) <= {"secrets written", "restarted"}:
            continue
        words = [word for word in done if name not in keyless or word != "secrets written"]
        changes.append(_unit(name, words, found["texts"], known.get(name)))
    for provider, told in found.get("models", {}).items():
        changes += [_model(provider, sentence) for sentence in told["done"]]
    return changes


def merged(plans: Sequence[Found]) -> Found:
    """What was seen of a host for one engine after the other, as one; if one of them could not be
    looked at, that."""
    for one in plans:
        if not seen_by_us(one):
            return one
    found: dict[str, Any] = {}
    for key, value in ((key, value) for one in plans for key, value in one.items()):
        before = found.get(key)
        if isinstance(value, list):
            value = [*(before or []), *(each for each in value if each not in (before or []))]
        found[key] = {**(before or {}), **value} if isinstance(value, Mapping) else value
    return found


def notes_of(host: str, found: Found) -> Iterator[str]:
    """What else there is to know of a host."""
    for name in found["leftover"]:
        yield (
            f"{name} on {host} is ours and declared no more. It stays: remove_provider.yml takes "
            "an instance away, and so does its role's variable, as llama_cpp_leftovers: remove."
        )
    for provider, told in found.get("models", {}).items():
        if told["lacks"]:
            yield (
                f"{provider} waits for its turn in a slot on {host}: {', '.join(told['lacks'])} "
                "will be brought when it runs."
            )
        if told["leftover"]:
            yield (
                f"{provider} on {host} still holds {', '.join(told['leftover'])}, declared no "
                "more: ollama_prune_models removes what we brought."
            )


def _model(provider: str, sentence: str) -> Change:
    """What becomes of a model in an engine's own store."""
    verb = REMOVE if sentence.endswith(" is removed") else ADD
    return Change("model", provider, f"{provider}: {sentence}", verb)


def _artifact(one: Mapping[str, Any]) -> Change:
    name, target, source = one["name"], one["target"], one["after"].partition(" from ")[2]
    if one["before"] in _ABSENT:
        text = f"{name} is brought{f' from {source}' if source else ''}"
        return Change("file", target, text, ADD)
    return Change("file", target, f"{name} is brought anew: {target} is {_was(one['before'])}")


def _was(before: str) -> str:
    return f"another file ({before[:19]}…)" if before.startswith("sha256 ") else before


def _unit(
    name: str, done: Sequence[str], texts: Mapping[str, Sequence[str]], spec: Found | None
) -> Change:
    before, after = texts.get(name, ("", ""))
    if "removed" in done:
        return Change("service", name, f"{name} is stopped and removed", REMOVE)
    if not before and after:
        return Change("service", name, f"{name} is new{_about(spec)}", ADD)
    words = [*differences(before, after)] if before != after else []
    if "secrets written" in done:
        words.append("its key changes")
    if not words:
        states = [_STATES[word] for word in done if word in _STATES]
        return Change("service", name, f"{name} {' and '.join(states) or 'is put right'}", CHANGE)
    ends = [word for word in ("started", "restarted") if word in done]
    return Change("service", name, f"{name}: {'; '.join(words)}{_END[ends[0]] if ends else ''}")


_STATES = {
    "started": "does not run: it is started",
    "restarted": "runs with what it no longer is to run with: it is restarted",
    "enabled": "does not start at boot: it will",
    "stopped": "is stopped",
    "disabled": "does not start at boot any more",
}
_END = {"started": "; it is started", "restarted": "; it restarts"}


def _about(spec: Found | None) -> str:
    if spec is None:
        return ""
    version = f", {spec['engine']} {spec['version']}" if spec.get("version") else ""
    return f": {names_of(spec)} on port {spec['port']}{version}"
