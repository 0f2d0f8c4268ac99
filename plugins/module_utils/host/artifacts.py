# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an artefact is, whether it is in place, and how it gets there.

An artefact is a file or an unpacked folder with a pinned sha256. What was once checked is
remembered beside it with the size and the times that the kernel keeps, so that a later run sees
a change without reading gigabytes again; where these differ, the content itself is read.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from .fetch import (
    FetchError,
    check_sum,
    copy,
    download,
    make_folder,
    put_in_place,
    readable,
    sha256_of,
    shown,
    staged,
)
from .fingerprints import (
    RECORD,
    content_of,
    fingerprint,
    read_record,
    record_of,
    write_record,
)
from .pypi import from_wheel
from .unpack import lift, unpack

INSTALLED = ".lab-llm-installed"
_MODE = "mode "


@dataclass(frozen=True)
class Artifact:
    """One wish: where from (url, path or pypi with member), and where to (dest or unpack)."""

    name: str
    sha256: str = ""
    url: str = ""
    path: str = ""
    pypi: str = ""
    member: str = ""
    dest: str = ""
    unpack: str = ""
    mode: int = 0o644
    link: bool = False

    @property
    def target(self) -> Path:
        return Path(self.dest or self.unpack)

    @property
    def source(self) -> str:
        """For people: without credentials."""
        return shown(self.url) if self.url else self.path or f"{self.member} of {self.pypi}"


@dataclass(frozen=True)
class Outcome:
    """What was found (`before`) and what is there now or would be (`after`), in words."""

    name: str
    target: str
    changed: bool
    before: str
    after: str


def problem_with(wish: Artifact) -> str:
    """What is wrong with the wish itself, or ""."""
    sources = [wish.url, wish.path, wish.pypi]
    if sum(map(bool, sources)) != 1 or bool(wish.pypi) != bool(wish.member):
        return "give exactly one of url, path, and pypi together with member"
    if bool(wish.dest) == bool(wish.unpack):
        return "give either dest (a file) or unpack (a folder)"
    if not wish.target.is_absolute():
        return f"'{wish.target}' must be an absolute path"
    if wish.link and not (wish.path and wish.dest):
        return "link needs path and dest"
    if not wish.sha256 and not wish.link:
        return "sha256 is missing: pin what you install (sha256sum FILE prints it)"
    if wish.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", wish.sha256):
        return f"'{wish.sha256}' is no sha256: 64 hexadecimal digits are expected"
    return ""


def ensure(wish: Artifact, check: bool) -> Outcome:
    """Bring the artefact into place unless it is there; with `check` only say what would happen."""
    before = _folder_state(wish, check) if wish.unpack else _file_state(wish, check)
    wanted = f"sha256 {wish.sha256.lower()}" if wish.sha256 else f"link to {wish.path}"
    if before == "":
        return Outcome(wish.name, str(wish.target), False, wanted, wanted)
    if not check:
        if wish.unpack:
            _install_folder(wish)
        elif before.startswith(_MODE):
            wish.target.chmod(wish.mode)
            _remember(wish)
        else:
            _install_file(wish)
    return Outcome(wish.name, str(wish.target), True, before, f"{wanted} from {wish.source}")


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
        write_record(record_of(wish.target), known)


def _folder_state(wish: Artifact, check: bool) -> str:
    """Why the folder is not as wished, or ""."""
    folder = wish.target
    if not os.path.lexists(folder):
        return "absent"
    known = read_record(folder / RECORD)
    if not known:
        if folder.is_dir() and not any(folder.iterdir()):
            return "empty"
        raise FetchError(f"{folder} was not unpacked by us: move it out of the way")
    if known.get("sha256") != wish.sha256.lower():
        return f"unpacked from sha256 {known.get('sha256')}"
    files = known.get("files")
    touched = {}
    for name, (print_then, content) in (files if isinstance(files, dict) else {}).items():
        path = folder / name
        if not os.path.lexists(path):
            return f"{name} is missing"
        if fingerprint(path, follow=False) != print_then:
            if content_of(path) != content:
                return f"{name} was changed"
            touched[name] = [fingerprint(path, follow=False), content]
    if touched and isinstance(files, dict) and not check:
        write_record(folder / RECORD, {**known, "files": {**files, **touched}})
    return ""


def _install_folder(wish: Artifact) -> None:
    folder = wish.target
    kind = Path(wish.url or wish.path or wish.member).name
    fresh = folder.parent / f".{folder.name}.new"
    old = folder.parent / f".{folder.name}.old"
    with staged(folder) as archive:
        try:
            _get(wish, archive)
            for leftover in (fresh, old):
                shutil.rmtree(leftover, ignore_errors=True)
            fresh.mkdir(mode=0o755)
            unpack(archive, kind, fresh)
            content = lift(fresh)
            content.chmod(0o755)
            _sign(content, wish.sha256.lower())
            if folder.exists():
                folder.rename(old)
            content.rename(folder)
        finally:
            for leftover in (fresh, old):
                shutil.rmtree(leftover, ignore_errors=True)


def _sign(folder: Path, sha256: str) -> None:
    """Leave in a freshly unpacked folder what later runs compare it with."""
    files: dict[str, object] = {}
    for base, folders, names in os.walk(folder):
        for path in (Path(base) / name for name in names + folders):
            if path.is_symlink() or path.is_file():
                files[str(path.relative_to(folder))] = [
                    fingerprint(path, follow=False),
                    content_of(path),
                ]
    write_record(folder / RECORD, {"sha256": sha256, "files": files})
    # New with every unpacking, and with nothing else: services watch it to restart after a repair.
    (folder / INSTALLED).write_text(f"{sha256} {time.time_ns()}\n")
    os.sync()


def _get(wish: Artifact, part: Path) -> None:
    if wish.url:
        download(wish.url, part, wish.sha256)
    elif wish.path:
        copy(Path(wish.path), part, wish.sha256)
    else:
        from_wheel(wish.pypi, wish.member, part)
        check_sum(sha256_of(part), wish.sha256, wish.source)
