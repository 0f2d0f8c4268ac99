# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup of the gateway as one archive: made, and read back only if it is whole and ours.

manifest.json             format, when, where, which serves, sha256 of each other member
generations/<N>/...       as on the host, without the link to the venv
outcomes/<N>.json         what became of it
venvs/<venv>.txt          the lock file that its venv is made from
secrets.vault             only if asked for: encrypted by ansible-vault on the controller
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
MANIFEST, SECRETS = "manifest.json", "secrets.vault"
MOST_BYTES = 1 << 28  # of all members together: an archive may not fill the memory
_MEMBER = re.compile(
    r"secrets\.vault|outcomes/[1-9]\d*\.json|venvs/[0-9a-f]{16}\.txt"
    r"|generations/[1-9]\d*/(?!\.)[^/\0]+(?:/(?!\.)[^/\0]+)*"
)
_DAMAGE = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, ValueError)


class BackupError(Exception):
    """It cannot be made, read or restored; the message says why and what to do."""


@dataclass(frozen=True)
class Backup:
    """A whole backup. `about` is its manifest, `members` name -> content without the manifest."""

    about: Mapping[str, Any]
    members: Mapping[str, bytes] = field(repr=False)

    @property
    def current(self) -> int:
        """The generation that served when it was made."""
        return int(self.about["current"])

    @property
    def numbers(self) -> list[int]:
        return sorted(int(number) for number in self.about["generations"])

    def files(self, number: int) -> dict[str, bytes]:
        """The files of one generation, by their path below its folder."""
        start = f"generations/{number}/"
        return {k.removeprefix(start): v for k, v in self.members.items() if k.startswith(start)}

    def manifest(self, number: int) -> dict[str, Any]:
        """What a generation's folder says about it."""
        return dict(json.loads(self.members[f"generations/{number}/manifest.json"]))

    def lock(self, number: int) -> str:
        """The text of the lock file that a generation's venv is made from."""
        return self.members[f"venvs/{self.manifest(number)['venv']}.txt"].decode()

    @property
    def secrets(self) -> str:
        """The encrypted part, "" if there is none."""
        return self.members.get(SECRETS, b"").decode()


def pack(about: Mapping[str, Any], members: Mapping[str, bytes]) -> bytes:
    """The archive. The same content gives the same bytes."""
    sums = {name: sha256(content) for name, content in sorted(members.items())}
    manifest = {**about, "format": FORMAT, "members": sums}
    said = json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n"
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in {MANIFEST: said, **dict(sorted(members.items()))}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), 0o600, int(about.get("at", 0))
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def unpack(archive: bytes) -> Backup:
    """The backup in an archive, every member checked. Nothing is written anywhere.

    Raises BackupError for one that is cut short, altered, of another kind or of a later format, and
    for members that are no plain files or would lead anywhere else.
    """
    try:
        members = read_members(archive)
        about = json.loads(members.pop(MANIFEST))
    except KeyError:
        raise BackupError(f"it is no backup of a gateway: it has no {MANIFEST}") from None
    except _DAMAGE as problem:
        raise BackupError(f"it is damaged, cut short or no .tar.gz: {problem}") from None
    if not isinstance(about, dict) or not isinstance(about.get("members"), dict):
        raise BackupError(f"it is no backup of a gateway: its {MANIFEST} says nothing of members")
    if about.get("format") != FORMAT:
        known = f"this release reads format {FORMAT}"
        raise BackupError(f"it has the format {about.get('format')}; {known}: use a newer lab.llm")
    _check_sums(about["members"], members)
    backup = Backup(about, members)
    check(backup)
    return backup


def read_members(archive: bytes) -> dict[str, bytes]:
    """Name -> content, the manifest too, nothing compared yet."""
    with gzip.GzipFile(fileobj=io.BytesIO(archive)) as packed:
        raw = packed.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise BackupError(f"it holds more than {MOST_BYTES >> 20} MiB: that is no backup of ours")
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
        for member in tar:
            _refuse(member, found)
            content = tar.extractfile(member)
            found[member.name] = content.read() if content else b""
    return found


def _refuse(member: tarfile.TarInfo, found: Mapping[str, bytes]) -> None:
    """Nothing is unpacked to a disk by its name; all the same no odd one is let through."""
    name = member.name
    if not member.isreg() or member.issparse():
        raise BackupError(f"it holds {name!r}, which is a link, a folder or a device")
    if name != MANIFEST and (not _MEMBER.fullmatch(name) or ".." in name.split("/")):
        raise BackupError(f"it holds {name!r}, which is no part of a backup")
    if name in found:
        raise BackupError(f"it holds {name!r} twice")
    if hasattr(tarfile, "data_filter"):
        tarfile.data_filter(member, "/nowhere")


def _check_sums(sums: Mapping[str, str], members: Mapping[str, bytes]) -> None:
    missing, more = sorted(sums.keys() - members.keys()), sorted(members.keys() - sums.keys())
    other = [n for n, content in members.items() if n in sums and sha256(content) != sums[n]]
    for names, what in ((missing, "lacks"), (more, "has too many:"), (other, "was altered:")):
        if names:
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")
            raise BackupError(f"it {what} {shown}")


def check(backup: Backup) -> None:
    """Each generation is whole by its own manifest, and has its lock file. Raises BackupError."""
    try:
        if backup.current not in backup.numbers:
            raise BackupError(f"generation {backup.current}, which served, is not in it")
        for number in backup.numbers:
            _check_generation(backup, number)
        strays = {name.split("/")[1] for name in backup.members if name.startswith("generations/")}
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BackupError(f"its manifests are damaged: {problem!r}") from None
    if strays - {str(number) for number in backup.numbers}:
        raise BackupError("it holds generations that its manifest does not name")


def _check_generation(backup: Backup, number: int) -> None:
    manifest, files = backup.manifest(number), backup.files(number)
    sums = {**manifest["files"], **{f"units/{k}": v for k, v in manifest["units"].items()}}
    found = {name: sha256(text) for name, text in files.items() if name != "manifest.json"}
    if manifest["number"] != number or sums != found:
        raise BackupError(f"generation {number} in it is not what its own manifest says")
    lock = backup.members[f"venvs/{manifest['venv']}.txt"]
    if not sha256(lock).startswith(manifest["venv"]):
        raise BackupError(f"the lock file of generation {number} is another one")


def seal(members: Mapping[str, bytes]) -> str:
    """A hash of everything but the secrets, which is encrypted with them: who does not know the
    password cannot alter one without the other."""
    sums = {name: sha256(content) for name, content in members.items() if name != SECRETS}
    return sha256(json.dumps(sums, sort_keys=True).encode())


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
