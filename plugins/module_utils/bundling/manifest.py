# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of what a bundle holds, and how an artefact is found in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from ..host import atomic
from .wheels import made_for

MANIFEST = "manifest.json"
VERSION = 1

Entry = dict[str, Any]


class BundleError(Exception):
    """The folder cannot serve as a bundle; the message says why and what to do."""


def read(folder: Path) -> dict[str, Any]:
    """The manifest: {version, artifacts, not_collected}.

    An artefact is {name, kind, origin, sha256, size, at} with kind `file` or `wheel`, or kind
    `repository`: {name, kind, origin, huggingface, revision, include, commit, size, at, files},
    each file {path, size, sha256, git}; `at` is its place in the bundle. Raises BundleError.
    """
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{folder} holds no {MANIFEST}: make the bundle with bundle.yml"
        raise BundleError(message) from None
    except (OSError, ValueError) as problem:
        raise BundleError(f"{folder / MANIFEST} cannot be read: {problem}") from None
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise BundleError(f"{folder / MANIFEST} is of another release: make the bundle anew")
    _check(folder / MANIFEST, found)
    return found


def _check(place: Path, known: Mapping[str, Any]) -> None:
    """A bundle has been carried about: what it names is in it, and nowhere else."""
    try:
        names = [name for one in known["artifacts"] for name in _named(one)]
        if not isinstance(known["artifacts"], list) or not isinstance(known["not_collected"], list):
            raise TypeError
        out = [name for name in names if name.startswith("/") or ".." in PurePosixPath(name).parts]
    except (KeyError, TypeError, AttributeError):
        raise BundleError(f"{place} is damaged: make the bundle anew") from None
    if out:
        raise BundleError(f"{place} names {out[0]!r}, which leads out of the bundle: do not use it")


def _named(one: Mapping[str, Any]) -> list[str]:
    """The places of an entry. Raises KeyError and the like for one that is none."""
    if not all(isinstance(one[key], str) for key in ("name", "kind", "origin", "at")):
        raise TypeError
    return [one["at"], *(file["path"] for file in one.get("files") or ())]


def write(folder: Path, artifacts: Sequence[Entry], not_collected: Sequence[Entry]) -> bool:
    """Write the manifest unless it says the same already; whether it was written."""
    known = {"version": VERSION, "artifacts": list(artifacts), "not_collected": list(not_collected)}
    text = json.dumps(known, indent=1, sort_keys=True) + "\n"
    place = folder / MANIFEST
    if place.exists() and place.read_text(encoding="utf-8") == text:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(place, text.encode(), 0o644)
    return True


def find(manifest: Mapping[str, Any], wish: Mapping[str, Any]) -> Entry | None:
    """The entry for an artefact, as lab.llm.artifact takes it; None if the bundle lacks it."""
    for entry in manifest["artifacts"]:
        if is_repository(wish):
            if entry["kind"] == "repository" and same_repository(entry, wish):
                return dict(entry)
        elif entry.get("sha256") and entry["sha256"] == str(wish.get("sha256") or "").lower():
            return dict(entry)
    return None


def is_repository(wish: Mapping[str, Any]) -> bool:
    """Whether a wish is a whole repository of Hugging Face."""
    return bool(wish.get("huggingface")) and not wish.get("file")


def same_repository(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two ask for the same files of the same state."""
    return (
        one["huggingface"] == other["huggingface"]
        and (one.get("revision") or "main") == (other.get("revision") or "main")
        and list(one.get("include") or ()) == list(other.get("include") or ())
    )


def wheels_for(
    manifest: Mapping[str, Any], hashes: Sequence[str], python: int | None = None
) -> list[Entry]:
    """The wheels that a lock file with these sha256 is installed from, by CPython 3.`python`."""
    known = frozenset(hashes)
    return [
        one
        for one in manifest["artifacts"]
        if one["kind"] == "wheel"
        and one["sha256"] in known
        and (python is None or made_for(one["name"], python))
    ]
