# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different between two generations of the gateway, in sentences.

A generation is told by a mapping: `config` (parsed), `probes`, `units` (name -> text), `packages`
(name -> version), `environment` (text) and `manifest`, as its folder has it. Each part may be
missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .compare import compare
from .compare_flat import differences, flat
from .compare_params import ADD, REMOVE, Change
from .compare_words import listed

Side = Mapping[str, Any]
MASTER_KEY = "LITELLM_MASTER_KEY"
_PROGRAM, _REGISTRY = "program/", "registry/"
_TOLD = ("config.yaml", "probes.json", "environment")  # by what is in them


def compare_generations(before: Side, after: Side) -> list[Change]:
    """The changes from one generation to another; empty only if they are the same."""
    config = compare(before.get("config") or {}, after.get("config") or {})
    found = [
        *_release(before, after),
        *config,
        *_variables(before, after),
        *_environment(before, after),
        *_health(before, after),
        *_asked(before, after),
        *_units(before, after),
        *_packages(before, after),
        *_files(before, after),
    ]
    if not config and not any(change.kind == "proof" for change in found):
        found += _questions(before, after)
    return found or list(_unknown(before, after))


def _manifest(side: Side, key: str, otherwise: Any = "") -> Any:  # noqa: ANN401
    return (side.get("manifest") or {}).get(key) or otherwise


def _release(before: Side, after: Side) -> Iterator[Change]:
    old, new = _manifest(before, "litellm"), _manifest(after, "litellm")
    if old != new:
        yield Change("litellm", "LiteLLM", f"LiteLLM {old or 'unknown'} -> {new or 'unknown'}")


def _variables(before: Side, after: Side) -> Iterator[Change]:
    old, new = (set(_manifest(side, "variables", ())) for side in (before, after))
    for name in sorted(new - old):
        yield Change("variable", name, f"the variable {name} is needed now", ADD)
    for name in sorted(old - new):
        text = f"the variable {name} is not needed any more"
        yield Change("variable", name, text, REMOVE)
    if old == new and _manifest(before, "secrets") != _manifest(after, "secrets"):
        # One keyed hash stands for the values of all of them.
        names = [*sorted(new - {MASTER_KEY}), MASTER_KEY]
        one = "the value of " if len(names) == 1 else "a value of these changed: "
        end = " changed" if len(names) == 1 else ""
        yield Change("secret", listed(names), f"{one}{listed(names, 12)}{end}")


def _environment(before: Side, after: Side) -> Iterator[Change]:
    """Variables of the process that are no secret, such as LiteLLM's delays."""
    old, new = (_assigned(side.get("environment") or "") for side in (before, after))
    for name in [*new, *(name for name in old if name not in new)]:
        one, other = old.get(name), new.get(name)
        if one != other:
            text = f"{name} of the gateway's process: {one or 'none'} -> {other or 'none'}"
            yield Change("setting", name, text)


def _assigned(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value.strip('"') for name, equals, value in lines if equals}


def _health(before: Side, after: Side) -> Iterator[Change]:
    """How a provider's health is asked; one that is new or gone is told with its deployments."""
    old, new = (_checks(side) for side in (before, after))
    for who in [*new, *(who for who in old if who not in new)]:
        one, other = old.get(who), new.get(who)
        if one is None or other is None:
            said = "at " + str((other or one or {}).get("url", "")) if other else "is gone"
            verb = ADD if other else REMOVE
            yield Change("health", who, f"health check of {who} {said}", verb)
        elif one != other:
            words = [_interval(one, other), *_detail(one, other)]
            text = ", ".join(word for word in words if word) or "is asked with another key"
            yield Change("health", who, f"health check of {who} {text}")


def _checks(side: Side) -> dict[str, Mapping[str, Any]]:
    found = (side.get("probes") or {}).get("health", ())
    return {
        one["provider"] + (f" on {one['host']}" if one.get("host") else ""): one for one in found
    }


def _interval(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    old, new = one.get("interval_seconds", 0), other.get("interval_seconds", 0)
    if old == new:
        return ""
    return f"every {new:g} s" if new else "at no interval of its own"


def _detail(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for key, said in (("url", "at {}"), ("timeout_seconds", "for {} s"), ("attempts", "{} times")):
        if one.get(key) != other.get(key):
            yield said.format(other.get(key))


def _asked(before: Side, after: Side) -> Iterator[Change]:
    """How much a provider is asked by a change and by the schedule."""
    old, new = ((side.get("probes") or {}).get("providers", {}) for side in (before, after))
    for provider in new:
        one, other = old.get(provider, {}), new[provider]
        keys = [key for key in ("probe", "watch") if one.get(key) != other.get(key)]
        if one and keys:
            words = ", ".join(f"{key} {one.get(key)} -> {other.get(key)}" for key in keys)
            yield Change("proof", provider, f"how much {provider} is asked: {words}")


def _units(before: Side, after: Side) -> Iterator[Change]:
    old, new = (side.get("units") or {} for side in (before, after))
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            word, verb = ("new", ADD) if name in new else ("gone", REMOVE)
            yield Change("unit", name, f"unit {name} is {word}", verb)
        elif old[name] != new[name]:
            yield Change("unit", name, f"unit {name}: {_lines(old[name], new[name])}")


def _lines(before: str, after: str) -> str:
    """`ListenStream=127.0.0.1:4000 -> ListenStream=0.0.0.0:4000`. A unit holds no secret."""
    old, new = before.splitlines(), after.splitlines()
    gone = [line for line in old if line not in new and not line.startswith("#")]
    come = [line for line in new if line not in old and not line.startswith("#")]
    if not gone and not come:
        return "its comments or the order of its lines"
    return f"{listed(gone, 3) or 'nothing'} -> {listed(come, 3) or 'nothing'}"


def _packages(before: Side, after: Side) -> Iterator[Change]:
    if _manifest(before, "venv") == _manifest(after, "venv"):
        return
    old, new = (side.get("packages") or {} for side in (before, after))
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    told = [f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in names]
    # LiteLLM's own release is told first of all.
    told = [text for text, name in zip(told, names, strict=True) if name != "litellm"]
    if told or _manifest(before, "litellm") == _manifest(after, "litellm"):
        yield Change("packages", "venv", f"packages: {listed(told) or 'another lock file'}")


def _files(before: Side, after: Side) -> Iterator[Change]:
    old, new = (_manifest(side, "files", {}) for side in (before, after))
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    registry = [name.removeprefix(_REGISTRY) for name in names if name.startswith(_REGISTRY)]
    if any(name.startswith(_PROGRAM) for name in names):
        yield Change("launcher", "program", "the launcher is another one")
    for name in names:
        if not name.startswith((_PROGRAM, _REGISTRY)) and name not in _TOLD:
            yield Change("file", name, f"{name} is another one")
    if registry:
        yield Change(
            "registry", listed(registry), f"registry files that differ: {listed(registry)}"
        )


def _questions(before: Side, after: Side) -> Iterator[Change]:
    """What the proof asks follows from the configuration; where that stayed, it is told here."""
    old, new = (dict(side.get("probes") or {}) for side in (before, after))
    for probes in (old, new):
        probes.pop("health", None)
    names = {str(one.path[0]) for one in differences(flat(old), flat(new)) if one.path}
    if names:
        yield Change("proof", "probes", f"what the proof asks is another: {listed(sorted(names))}")


def _unknown(before: Side, after: Side) -> Iterator[Change]:
    if _manifest(before, "digest") != _manifest(after, "digest"):
        yield Change("unknown", "", "something changed that nobody has words for: compare by hand")
