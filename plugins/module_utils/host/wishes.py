# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an artefact is: a wish, and how it was found and left."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from .downloads import Origin
from .fetch import shown
from .huggingface import ENDPOINT, HubFile, file_url
from .web import is_url


@dataclass(frozen=True)
class Artifact:
    """One wish: where from (url, path, pypi with member, or huggingface), and where to (dest or
    unpack). A whole repository of Hugging Face has a folder as its dest.

    `over` is a folder that an archive was unpacked into: `unpack` has the same files besides, as an
    archive that is meant to be unpacked over another one needs it.

    `handed` is a copy that was brought to this host, to be taken in place of the source: an open
    file under "", or for a repository, whose commit and files `listed` gives, one for each path.
    """

    name: str
    sha256: str = ""
    url: str = ""
    path: str = ""
    pypi: str = ""
    member: str = ""
    huggingface: str = ""
    revision: str = "main"
    file: str = ""
    include: tuple[str, ...] = ()
    dest: str = ""
    unpack: str = ""
    over: str = ""
    mode: int = 0o644
    link: bool = False
    token_env: str = ""
    token: str = field(default="", repr=False)
    endpoint: str = ENDPOINT
    handed: dict[str, int] = field(default_factory=dict)
    listed: tuple[str, list[HubFile]] | None = None

    @property
    def target(self) -> Path:
        """The file or the folder to have."""
        return Path(self.dest or self.unpack)

    @property
    def is_repository(self) -> bool:
        """Whether it is a folder with the files of a repository."""
        return bool(self.huggingface) and not self.file

    @property
    def location(self) -> str:
        """The URL of the one file, "" if it has none."""
        if self.huggingface and self.file:
            return file_url(self.endpoint, self.huggingface, self.revision, self.file)
        return self.url

    @property
    def origin(self) -> Origin:
        """The same, as it is downloaded."""
        return Origin(
            self.location, self.sha256.lower(), token=self.token, token_env=self.token_env
        )

    @property
    def identity(self) -> str:
        """What tells two states of a folder apart."""
        if self.is_repository:
            return " ".join([self.huggingface, self.revision, *self.include])
        over = f" over {Path(self.over).name}" if self.over else ""
        return f"{self.sha256.lower()}{over}"

    @property
    def wanted(self) -> str:
        """What shall be there, for people."""
        if self.is_repository:
            return f"{self.huggingface} at {self.revision}"
        return f"sha256 {self.sha256.lower()}" if self.sha256 else f"link to {self.path}"

    @property
    def source(self) -> str:
        """For people: without credentials."""
        if self.is_repository:
            return shown(self.endpoint)
        return shown(self.location) or self.path or f"{self.member} of {self.pypi}"


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
    sources = [wish.url, wish.path, wish.pypi, wish.huggingface]
    if sum(map(bool, sources)) != 1 or bool(wish.pypi) != bool(wish.member):
        return "give exactly one of url, path, huggingface, and pypi together with member"
    if not is_url(wish.url):
        return "its url is no address: see to its brackets, its port and its '@'"
    if bool(wish.dest) == bool(wish.unpack):
        return "give either dest (a file) or unpack (a folder)"
    if not wish.target.is_absolute():
        return f"'{wish.target}' must be an absolute path"
    if wish.link and not (wish.path and wish.dest):
        return "link needs path and dest"
    if wish.over and not (wish.unpack and Path(wish.over).is_absolute()):
        return "over is a folder, with unpack"
    return _problem_with_sum(wish) or _problem_with_repository(wish)


def _problem_with_sum(wish: Artifact) -> str:
    if not wish.sha256 and not wish.link and not wish.is_repository:
        return "sha256 is missing: pin what you install (sha256sum FILE prints it)"
    if wish.sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", wish.sha256):
        return f"'{wish.sha256}' is no sha256: 64 hexadecimal digits are expected"
    return ""


def _problem_with_repository(wish: Artifact) -> str:
    if wish.file and not wish.huggingface:
        return "file is a file of a repository: give huggingface too"
    if wish.is_repository and (wish.unpack or wish.sha256):
        return "a whole repository has a dest, and its revision in place of a sha256"
    return ""
