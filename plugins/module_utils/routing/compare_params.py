# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is different about the deployments that two configurations share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from .compare_flat import Difference, Path, differences, dotted
from .compare_view import INFO, ORDER, PARAMS, TRAFFIC, WEIGHT, Entry, View, label
from .compare_words import changed, listed

ADD, CHANGE, REMOVE = "add", "change", "remove"


@dataclass(frozen=True)
class Change:
    """One thing that is different, for programs by `kind`, `subject` and `verb` (add, change or
    remove), for people by `text`."""

    kind: str
    subject: str
    text: str
    verb: str = CHANGE

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


# parameter -> (kind, what it is called, unit)
WORDS = {
    "rpm": ("limit", "limit", " requests a minute"),
    "tpm": ("limit", "limit", " tokens a minute"),
    "max_parallel_requests": ("limit", "limit", " requests at a time"),
    "max_budget": ("budget", "budget", " US dollars"),
    "budget_duration": ("budget", "time of the budget", ""),
    "input_cost_per_token": ("price", "price of a token asked", " US dollars"),
    "output_cost_per_token": ("price", "price of a token answered", " US dollars"),
    "tags": ("tags", "tags", ""),
    "tag_regex": ("tags", "user agents", ""),
    "timeout": ("timeout", "timeout", " s"),
    "stream_timeout": ("timeout", "stream timeout", " s"),
    "num_retries": ("retries", "retries", ""),
    "api_base": ("address", "address", ""),
    "api_key": ("key", "key", ""),
    "model": ("model", "backend's model", ""),
    "mode": ("mode", "mode", ""),
}


@dataclass
class Common:
    """`rearranged`: names whose order or weights differ; `changes`: all else, a sentence each."""

    rearranged: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)


def common(old: View, new: View) -> Common:
    """What differs in the deployments that both have; the same at several is said once."""
    found, same = Common(), dict[str, tuple[Difference, list[Entry]]]()
    for key, entry in new.entries.items():
        before = old.entries.get(key)
        if before is None or repr(before.flat) == repr(entry.flat):
            continue
        for one in differences(before.flat, entry.flat):
            if one.path in (ORDER, WEIGHT, TRAFFIC):
                found.rearranged.add(entry.name)
            else:
                # Retries belong to a name, anything else to the deployment behind it.
                same.setdefault(repr(one), (one, []))[1].append(entry)
    whole = Counter(entry.provider for entry in new.entries.values())
    found.changes = [_sentence(one, entries, whole) for one, entries in same.values()]
    return found


def _sentence(one: Difference, entries: Sequence[Entry], whole: Counter[str]) -> Change:
    name = one.path[-1] if one.path[0] in (PARAMS, INFO) and len(one.path) == 2 else ""
    kind, called, unit = WORDS.get(str(name), ("deployment", "", ""))
    if one.path[:2] == (PARAMS, "extra_headers"):
        kind, called = "header", f"header {dotted(one.path[2:])}".strip()
    who = _names(entries) if kind == "retries" else _who(entries, whole)
    words = changed(one.path, one.before, one.after)
    colon = " " if words.startswith("changes") else ": "
    unit = "" if words.endswith(("none", "shown")) else unit
    return Change(kind, who, f"{called or dotted(one.path)} of {who}{colon}{words}{unit}")


def _who(entries: Sequence[Entry], whole: Counter[str]) -> str:
    """A provider where all of it is meant, else its deployments."""
    parts = []
    for provider, count in Counter(entry.provider for entry in entries).items():
        its = [entry for entry in entries if entry.provider == provider]
        alone = provider and count == whole[provider]
        parts += [provider] if alone else [entry.label for entry in its]
    return listed(parts)


def _names(entries: Iterable[Entry]) -> str:
    return listed(label(entry.name) for entry in entries)


def is_alias(path: Path) -> bool:
    """Whether this is where a name is said to lead to another."""
    return path[:2] == ("router_settings", "model_group_alias") and len(path) == 3
