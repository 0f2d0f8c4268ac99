# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collecting what an inventory needs into one folder, on the controller."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..host.artifact_options import SUBOPTIONS, wish_of
from ..host.artifact_work import bring
from ..host.fetch import FetchError, shown
from ..host.fingerprints import RECORD, read_record
from ..host.snapshots import COMMIT, LISTED
from . import manifest
from .index import offers
from .manifest import BundleError, Entry, is_repository
from .wheels import Target, chosen, hashes_of, pins

Needs = Mapping[str, Sequence[Mapping[str, Any]]]
_SOURCE = ("url", "pypi", "member", "huggingface", "revision", "file", "include", "token_env")


def collect(
    folder: Path,
    needs: Sequence[Needs],
    target: Target,
    indexes: Sequence[str],
    tokens: Mapping[str, str],
    endpoint: str,
    check: bool,
) -> dict[str, Any]:
    """Have all of it in the folder; {changed, failed, msg, artifacts, not_collected, diff}.

    `needs`, one a host: `artifacts` as lab.llm.artifact takes them, `locks` ({name, text}),
    `packages` ({name, why}) that cannot be collected.
    """
    wanted, left = _wanted(needs)
    try:
        known = _known(folder)
        places = [{**wish, "dest": str(folder / _place(wish))} for wish in wanted]
        wheels, none = _wheels(_locks(needs), folder, known, target, indexes)
        given = [*places, *({**one, "dest": str(folder / one["at"])} for one in wheels)]
        wishes = [wish_of(_options(one), tokens, endpoint) for one in given]
    except (FetchError, BundleError, ValueError) as problem:
        return {"failed": True, "msg": str(problem), "changed": False}
    done = bring(wishes, [], "/", check)
    if done["failed"] or check:
        return {**done, "not_collected": left}
    entries = [_entry(wish, folder) for wish in places] + [_wheel(one, folder) for one in wheels]
    try:
        written = manifest.write(folder, entries, left + none)
    except OSError as problem:
        why = f"{folder} cannot be written: {problem.strerror}"
        return {"failed": True, "msg": why, "changed": done["changed"]}
    return {**done, "changed": done["changed"] or written, "not_collected": left + none}


def _wanted(needs: Sequence[Needs]) -> tuple[list[dict[str, Any]], list[Entry]]:
    """What can be collected, each once, and what cannot with the reason."""
    found: dict[str, dict[str, Any]] = {}
    left: dict[str, Entry] = {}
    for host in needs:
        for wish in host.get("artifacts", ()):
            if wish.get("path"):
                why = f"{wish['path']} is taken from the host itself"
                left[why] = {"name": wish["name"], "why": why}
            else:
                source = {key: wish[key] for key in (*_SOURCE, "sha256") if wish.get(key)}
                found.setdefault(_place(wish), {"name": wish["name"], **source})
        for package in host.get("packages", ()):
            left[str(package["name"])] = dict(package)
    return list(found.values()), list(left.values())


def _place(wish: Mapping[str, Any]) -> str:
    """Where it is in the folder: by its content, with a name that people recognise."""
    if is_repository(wish):
        parts = [wish["huggingface"].replace("/", "--"), wish.get("revision") or "main"]
        parts += [_safe(one) for one in wish.get("include") or ()]
        return f"repositories/{'-'.join(map(_safe, parts))}"
    named = wish.get("file") or wish.get("member") or wish.get("url") or ""
    name = re.split(r"[?#]", str(named))[0].rpartition("/")[2]
    return f"files/{str(wish['sha256'])[:12].lower()}-{_safe(name)}"


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._") or "_"


def _locks(needs: Sequence[Needs]) -> dict[str, str]:
    """Lock files by their texts: name."""
    return {str(one["text"]): str(one["name"]) for host in needs for one in host.get("locks", ())}


def _known(folder: Path) -> dict[str, Any]:
    return (
        manifest.read(folder)
        if (folder / manifest.MANIFEST).exists()
        else {"artifacts": [], "not_collected": []}
    )


def _wheels(
    locks: Mapping[str, str],
    folder: Path,
    known: Mapping[str, Any],
    target: Target,
    indexes: Sequence[str],
) -> tuple[list[Entry], list[Entry]]:
    """The wheels of all lock files, as entries with a url, and packages that have none here."""
    found: dict[str, Entry] = {}
    none: dict[str, Entry] = {}
    for text, name in locks.items():
        mark = _mark(name, text, target)
        here = [one for one in manifest.wheels_for(known, hashes_of(text)) if mark in one["for"]]
        if _all_there(here, folder):
            lacking = [one for one in known["not_collected"] if mark in one.get("for", ())]
        else:
            here, lacking = _asked(text, target, indexes)
        for one in here:
            entry = found.setdefault(one["sha256"], {**one, "url": one["origin"], "for": []})
            entry["for"].append(mark)
        for one in lacking:
            none.setdefault(one["name"], {**one, "for": []})["for"].append(mark)
    return list(found.values()), list(none.values())


def _mark(name: str, text: str, target: Target) -> str:
    """Tells what a wheel is there for."""
    pythons = ", ".join(f"3.{number}" for number in target.pythons)
    lock = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{name} ({lock}) with Python {pythons} on {target.machine}"


def _all_there(here: Sequence[Entry], folder: Path) -> bool:
    """Whether an earlier run has collected the lock file: then no index is asked."""
    return bool(here) and all((folder / one["at"]).exists() for one in here)


def _asked(text: str, target: Target, indexes: Sequence[str]) -> tuple[list[Entry], list[Entry]]:
    """The wheels of a lock file, and its packages that have none."""
    found, none = [], []
    for pin in pins(text):
        offered = [one for one in offers(indexes, pin.name) if one.sha256 in pin.hashes]
        some = chosen(pin, offered, target)
        # One with wheels for other systems alone is not installed on this one.
        if not some and (not offered or any(not one.file.endswith(".whl") for one in offered)):
            why = f"{pin.version} has no wheel for {target.machine} and these Pythons"
            none.append({"name": pin.name, "why": why})
        for one in some:
            at = f"wheels/{one.file}"
            found.append({"name": one.file, "origin": one.url, "sha256": one.sha256, "at": at})
    return found, none


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    """As the module would get them, with its defaults."""
    defaults = {key: one.get("default") for key, one in SUBOPTIONS.items()}
    return {**defaults, **{key: one for key, one in given.items() if key in SUBOPTIONS}}


def _entry(wish: Mapping[str, Any], folder: Path) -> Entry:
    place = Path(wish["dest"])
    # Whoever carries the bundle about shall not carry a password.
    origin = shown(wish.get("url") or "") or wish.get("pypi") or wish["huggingface"]
    common = {"name": wish["name"], "origin": origin}
    if not is_repository(wish):
        entry = {**common, "kind": "file", "sha256": wish["sha256"].lower()}
        return {**entry, "size": place.stat().st_size, "at": str(place.relative_to(folder))}
    record = read_record(place / RECORD)
    files = list(record.get(LISTED) or [])  # type: ignore[call-overload]
    return {
        **common,
        "kind": "repository",
        **{key: wish[key] for key in ("huggingface", "revision", "include") if key in wish},
        "commit": record.get(COMMIT),
        "files": files,
        "size": sum(one["size"] for one in files),
        "at": str(place.relative_to(folder)),
    }


def _wheel(one: Mapping[str, Any], folder: Path) -> Entry:
    kept = {key: one[key] for key in ("name", "sha256", "at", "for")}
    size = (folder / one["at"]).stat().st_size
    return {**kept, "origin": shown(one["origin"]), "kind": "wheel", "size": size}
