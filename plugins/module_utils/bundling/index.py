# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking a package index which files it has of a package: PEP 691, or PEP 503 where it is older."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
from collections.abc import Sequence
from html.parser import HTMLParser
from http.client import HTTPException

from ..host.fetch import FetchError, shown
from ..host.web import open_url
from .wheels import Offer, offers_in

MOST = 64 << 20  # bytes of an answer
PYPI = "https://pypi.org/simple"
_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = {"Accept": f"{_JSON}, text/html;q=0.1"}


def offers(indexes: Sequence[str], name: str) -> list[Offer]:
    """What the first index that knows a package has of it. Raises FetchError."""
    for index in indexes:
        url = f"{index.rstrip('/')}/{name}/"
        try:
            with open_url(url, headers=_ACCEPT) as answer:
                kind, body = answer.headers.get("Content-Type") or "", answer.read(MOST + 1)
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                continue
            raise FetchError(f"{shown(url)} answers {problem.code} {problem.reason}") from None
        except (OSError, HTTPException) as problem:
            reason = getattr(problem, "reason", problem)
            raise FetchError(f"{shown(url)} cannot be reached: {reason}") from None
        try:
            found = _understood(kind, body)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise FetchError(f"{shown(url)} says nothing sensible about its files") from None
        return [Offer(one.file, urllib.parse.urljoin(url, one.url), one.sha256) for one in found]
    raise FetchError(f"no index knows the package {name}: asked {', '.join(map(shown, indexes))}")


def _understood(kind: str, body: bytes) -> list[Offer]:
    if len(body) > MOST:
        raise ValueError("too long")
    found = offers_in(json.loads(body)) if "json" in kind else _in_page(body.decode())
    return [one for one in found if "/" not in one.file]  # a name, no place


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]


def _in_page(page: str) -> list[Offer]:
    links = _Links()
    links.feed(page)
    found = []
    for link in links.found:
        url, _hash, fragment = link.partition("#")
        kind, _equals, sum_of = fragment.partition("=")
        if kind == "sha256":
            file = urllib.parse.unquote(url.rpartition("/")[2])
            found.append(Offer(file, url, sum_of))
    return found
