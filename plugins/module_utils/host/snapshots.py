# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder with the files of a repository at one revision, each checked by the hub's own sums.

While it is made it stands beside its place, and what broke off goes on there. A branch is what it
was when the folder was made: its commit stands in the record.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from .downloads import Origin, arrived, download
from .fetch import CutOffError, FetchError, copy_open, make_folder, part_of, put_in_place, staged
from .fingerprints import RECORD, fingerprint, read_record, write_record
from .folders import IDENTITY, beside, replace, sign
from .huggingface import HubFile, chosen, file_url, listing

if TYPE_CHECKING:
    from .wishes import Artifact

COMMIT, LISTED = "commit", "listed"  # keys of the record
_SUMS = "sums"


def install(wish: Artifact) -> None:
    """Bring what is missing, and put the folder in place whole."""
    folder, fresh = wish.target, beside(wish.target, "new")
    with staged(folder):  # so that two runs do not mix
        try:
            fresh.mkdir(mode=0o755, exist_ok=True)
            commit, files = _fill(wish, fresh)
            sums = {one.path: one.sha256 for one in files if one.sha256}
            # The sums stay: what breaks off before the folder is in its place goes on with them.
            whole = {one.path: _sum(one) for one in files}
            listed = {COMMIT: commit, LISTED: [asdict(one) for one in files], _SUMS: whole}
            sign(fresh, wish.identity, sums, listed)
            replace(folder, fresh)
        except CutOffError:
            raise
        except Exception:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def missing(wish: Artifact) -> int:
    """How many bytes have still to come. Raises FetchError."""
    fresh = beside(wish.target, "new")
    known, total = _sums_in(fresh, wish), 0
    kept = _unchanged(wish)
    commit, files = _files(wish)
    for one in files:
        if _sum(one) not in (known.get(one.path), kept.get(one.path)):
            total += one.size - arrived(_origin(wish, commit, one), part_of(fresh / one.path))
    return total


def commit_of(folder: Path) -> str:
    """The commit that a folder was made of, "" if nobody knows."""
    return str(read_record(folder / RECORD).get(COMMIT) or "")


def _fill(wish: Artifact, fresh: Path) -> tuple[str, list[HubFile]]:
    """The commit and its files; all of them are in `fresh` then."""
    commit, files = _files(wish)
    sums, kept = {one.path: _sum(one) for one in files}, _unchanged(wish)
    done = {name: one for name, one in _sums_in(fresh, wish).items() if sums.get(name) == one}
    for one in files:
        place, wanted = fresh / one.path, _sum(one)
        if done.get(one.path) == wanted and place.is_file():
            continue
        make_folder(place.parent)
        if kept.get(one.path) == wanted:
            place.unlink(missing_ok=True)
            os.link(wish.target / one.path, place)
        else:
            _bring(wish, commit, one, place)
        done[one.path] = wanted
        write_record(fresh / RECORD, {IDENTITY: wish.identity, _SUMS: done})
    for stray in _all_files(fresh):
        if stray != RECORD and stray not in done:
            (fresh / stray).unlink()
    return commit, files


def _bring(wish: Artifact, commit: str, one: HubFile, place: Path) -> None:
    with staged(place) as part:
        if wish.handed:
            if one.path not in wish.handed:
                raise FetchError(f"the copy of {wish.name} lacks {one.path}: make the bundle anew")
            with open(os.dup(wish.handed[one.path]), "rb") as stream:  # noqa: PTH123 - open already
                copy_open(stream, part, one.sha256, one.path)
        else:
            download(_origin(wish, commit, one), part)
        put_in_place(part, place, wish.mode)


def _files(wish: Artifact) -> tuple[str, list[HubFile]]:
    """The commit and its files: of a folder that is there already, those of then."""
    if wish.listed:
        return wish.listed
    known = read_record(wish.target / RECORD)
    revision = str(known[COMMIT]) if known.get(IDENTITY) == wish.identity else wish.revision
    key = (wish.endpoint, wish.huggingface, revision)
    if key not in _ASKED:
        _ASKED[key] = listing(*key, wish.token, wish.token_env)
    commit, files = _ASKED[key]
    return commit, chosen(files, wish.include, wish.huggingface)


_ASKED: dict[tuple[str, str, str], tuple[str, list[HubFile]]] = {}


def _origin(wish: Artifact, commit: str, one: HubFile) -> Origin:
    url = file_url(wish.endpoint, wish.huggingface, commit, one.path)
    return Origin(url, one.sha256, one.git, one.size, wish.token, wish.token_env)


def _sum(one: HubFile) -> str:
    return one.sha256 or one.git


def _sums_in(fresh: Path, wish: Artifact) -> dict[str, str]:
    """What an earlier run has brought already."""
    known = read_record(fresh / RECORD)
    sums = known.get(_SUMS) if known.get(IDENTITY) == wish.identity else None
    return {str(name): str(one) for name, one in sums.items()} if isinstance(sums, dict) else {}


def _unchanged(wish: Artifact) -> dict[str, str]:
    """The sha256 of the files in the folder of now that are as they were brought."""
    files = read_record(wish.target / RECORD).get("files")
    found: dict[str, str] = {}
    for name, (print_then, content) in (files if isinstance(files, Mapping) else {}).items():
        with contextlib.suppress(OSError):
            if fingerprint(wish.target / name, follow=False) == print_then:
                found[name] = content
    return found


def _all_files(folder: Path) -> list[str]:
    return [
        str((Path(base) / name).relative_to(folder))
        for base, _folders, names in os.walk(folder)
        for name in names
    ]
