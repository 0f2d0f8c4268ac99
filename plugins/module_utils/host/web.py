# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking a web server: redirects that stay on the web, tokens that stay with whom they are for."""

from __future__ import annotations

import base64
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import IO, Any

from .fetch import FetchError, shown

TIMEOUT = 60.0
# What Hugging Face says besides, in X-Error-Code, and what it means.
_HUB = {
    "GatedRepo": "only who has accepted its terms may have it: accept them on its page",
    "RepoNotFound": "there is no such repository, or it is not public",
    "RevisionNotFound": "the repository has no such revision",
    "EntryNotFound": "the repository has no such file at this revision",
}
_REFUSED = (401, 403)
# What an address may hold as it is; all else is written as %XX.
_PLAIN = "%!#$&'()*+,/:;=?@[]"


class _OnlyWeb(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from the web to anything else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme not in ("http", "https"):
            raise FetchError(f"{shown(req.full_url)} redirects to {scheme}:, which is not followed")
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None:
            made.method = req.get_method()
        return made


def open_url(
    url: str, token: str = "", headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Any:  # noqa: ANN401 - urllib's answers have no common type
    """The answer, as urllib gives it. The token is not sent on to where a redirect leads, nor are a
    user and a password in the address, which are sent as a login."""
    address, login = _split(url)
    request = urllib.request.Request(  # noqa: S310
        address, headers={"User-Agent": "lab.llm", **(headers or {})}, method=method
    )
    if token or login:
        said = f"Bearer {token}" if token else f"Basic {login}"
        request.add_unredirected_header("Authorization", said)
    return urllib.request.build_opener(_OnlyWeb).open(request, timeout=TIMEOUT)


def is_url(url: str) -> bool:
    """Whether it can be taken apart; what Python says of one that cannot may hold its password."""
    try:
        return urllib.parse.urlsplit(url).port != 0
    except ValueError:
        return False


def _split(url: str) -> tuple[str, str]:
    """(the address, a login in the form of HTTP)."""
    if not is_url(url):
        raise FetchError("one of the addresses is none: see to its brackets, its port and its '@'")
    parts = urllib.parse.urlsplit(urllib.parse.quote(url, safe=_PLAIN))
    who, _at, host = parts.netloc.rpartition("@")
    login = base64.b64encode(urllib.parse.unquote_to_bytes(who)).decode()
    return parts._replace(netloc=host).geturl(), login


def refusal(url: str, problem: urllib.error.HTTPError, has_token: bool, variable: str) -> str:
    """The sentence for an answer that another try does not cure."""
    said = _HUB.get(problem.headers.get("X-Error-Code") or "", "")
    sentence = f"{shown(url)} answers {problem.code} {problem.reason}"
    if problem.code in _REFUSED:
        return f"{sentence}: {_about_token(has_token, variable)}{f' ({said})' if said else ''}"
    return f"{sentence}: {said or 'check the URL and the version in it'}"


def _about_token(has_token: bool, variable: str) -> str:
    if has_token:
        return f"the token of {variable} is not accepted for it"
    if variable:
        return f"{variable} has no value: export it where Ansible runs, or put it into the vault"
    return "it wants a token: name the variable that holds yours, source.token_env: HF_TOKEN"
