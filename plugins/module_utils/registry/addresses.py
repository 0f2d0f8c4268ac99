# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses: the form of an API base that LiteLLM wants, and health endpoints."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from .provider_types import ROOT, V1

_VERSION = re.compile(r"v\d+[a-z0-9]*")
_LAST_VERSION = re.compile(r"/(v\d+[a-z0-9]*|beta)$")
# Paths that people copy from a vendor's example: endpoints, not bases.
ENDPOINTS = ("/chat/completions", "/completions", "/embeddings", "/messages", "/models")
_OWN_PATHS = ("/v1", "/api", "/openai")  # what LiteLLM appends by itself where it wants a root


@lru_cache(maxsize=4096)
def api_base(base_url: str, form: str) -> str:
    """`base_url` (http or https) in the given form: never a trailing slash, never /v1/v1."""
    scheme, host, path, _query, _fragment = urlsplit(base_url)
    path = path.rstrip("/")
    if form == V1 and not any(_VERSION.fullmatch(part) for part in path.split("/")):
        path += "/v1"
    elif form == ROOT:
        for ending in _OWN_PATHS:
            path = path.removesuffix(ending)
    return urlunsplit((scheme, host, path, "", ""))


def endpoint_in(base_url: str) -> str:
    """The endpoint that a base URL wrongly ends in, or ""."""
    path = urlsplit(base_url).path.rstrip("/")
    return next((ending for ending in ENDPOINTS if path.endswith(ending)), "")


def origin(url: str) -> str:
    """scheme://host:port of an http(s) URL, in lower case."""
    scheme, host, *_rest = urlsplit(url)
    return f"{scheme}://{host}".lower()


def health_url(base_url: str, endpoint: str) -> str:
    """A health endpoint (a path, or a whole URL) as a URL; a path is under the host's root."""
    if endpoint.startswith(("http://", "https://")):
        return endpoint
    scheme, host, path, *_rest = urlsplit(base_url)
    prefix = _LAST_VERSION.sub("", path.rstrip("/"))
    return f"{scheme}://{host}{prefix}/{endpoint.lstrip('/')}"


def is_address(text: str) -> bool:
    """Whether this is a literal IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def host_url(address: str, port: int, path: str = "") -> str:
    """http://address:port/path, with IPv6 addresses in brackets."""
    shown = f"[{address}]" if ":" in address else address
    return f"http://{shown}:{port}{path}"
