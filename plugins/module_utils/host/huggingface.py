# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hugging Face, or a mirror of it: where a file is, and which files a repository has."""

from __future__ import annotations

import fnmatch
import json
import urllib.error
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import PurePosixPath
from typing import Any

from .fetch import FetchError
from .fingerprints import RECORD
from .folders import INSTALLED
from .web import open_url, refusal

ENDPOINT = "https://huggingface.co"
MOST = 64 << 20  # bytes of a list


@dataclass(frozen=True)
class HubFile:
    """A file of a repository: its path there, its size, and its sha256 or, if it is kept in git
    itself, its blob's id."""

    path: str
    size: int
    sha256: str
    git: str


def file_url(endpoint: str, repository: str, revision: str, path: str) -> str:
    """Where the content of a file is."""
    quoted = urllib.parse.quote(path)
    return f"{endpoint.rstrip('/')}/{repository}/resolve/{_quoted(revision)}/{quoted}"


def listing(
    endpoint: str, repository: str, revision: str, token: str = "", token_env: str = ""
) -> tuple[str, list[HubFile]]:
    """The commit that a revision stands for, and the files that it has. Raises FetchError."""
    url = f"{endpoint.rstrip('/')}/api/models/{repository}/revision/{_quoted(revision)}?blobs=true"
    try:
        with open_url(url, token) as answer:
            found = json.loads(answer.read(MOST))
        return str(found["sha"]), [_file(one, repository) for one in found["siblings"]]
    except urllib.error.HTTPError as problem:
        raise FetchError(refusal(url, problem, bool(token), token_env)) from None
    except (OSError, HTTPException) as problem:
        reason = getattr(problem, "reason", problem)
        raise FetchError(f"{endpoint} cannot be reached: {reason}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FetchError(f"{endpoint} says nothing sensible about {repository}") from None


def chosen(files: Sequence[HubFile], include: Sequence[str], repository: str) -> list[HubFile]:
    """Those that one of the patterns matches, all without any. Raises FetchError for none."""
    found = [
        one
        for one in files
        if not include or any(fnmatch.fnmatchcase(one.path, pattern) for pattern in include)
    ]
    if not found:
        has = ", ".join(one.path for one in files[:8]) or "none at all"
        raise FetchError(f"no file of {repository} matches {', '.join(include)}: it has {has}")
    return found


def _file(given: Mapping[str, Any], repository: str) -> HubFile:
    path, large = str(given["rfilename"]), given.get("lfs") or {}
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise FetchError(f"{repository} would write outside of its folder: {path!r}")
    if "\0" in path or path in (RECORD, INSTALLED):
        raise FetchError(f"{repository} has a file whose name cannot be kept: {path!r}")
    sha256 = str(large.get("sha256") or "")
    git = "" if sha256 else str(given["blobId"])
    return HubFile(path, int(large.get("size") or given["size"]), sha256, git)


def _quoted(revision: str) -> str:
    return urllib.parse.quote(revision, safe="")
