# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy that LiteLLM takes to a provider, by the variables of its process."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ..gateway.asking import Answer, Asker
from . import network
from .answers import SECONDS, fault_of
from .rows import Row, row, unknown

# What the server itself may have said; the rest may be a proxy's own words.
_SERVERS = frozenset({"", "key_refused", "not_found", "limited", "redirect"})


def proxy_for(url: str, environment: Mapping[str, str]) -> str:
    """The proxy on the way to a URL, "" without one: LiteLLM's own rule."""
    if environment.get("DISABLE_AIOHTTP_TRUST_ENV", "").lower() == "true":
        return ""
    names = [name for name in environment if name.lower().endswith("_proxy")]
    # Written in small letters they count for more.
    found = {
        name.lower().removesuffix("_proxy"): environment[name]
        for name in sorted(names, key=str.islower)
    }
    where = urlsplit(url)
    if not where.hostname or _left_out(where.hostname, found.get("no", "")):
        return ""
    proxy = found.get(where.scheme) or found.get("all", "")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _left_out(host: str, names: str) -> bool:
    """Whether no_proxy names a host, or a domain that it lies in, as Python reads it."""
    ends = [one.strip().lstrip(".").lower() for one in names.split(",")]
    return names.strip() == "*" or any(f".{host}".endswith(f".{end}") for end in ends if end)


def shown(proxy: str) -> str:
    """A proxy without its user and password."""
    where = urlsplit(proxy)
    return f"{where.scheme}://{where.netloc.rpartition('@')[2]}"


def can_be_asked(proxy: str) -> bool:
    """Whether it is of the one kind that requests here can take."""
    return urlsplit(proxy).scheme == "http"


def on_the_way(url: str, proxy: str, sent: Mapping[str, str]) -> Row:
    """Whether the proxy lets requests through; where it does not, whether it could be left out."""
    where, through = urlsplit(url), shown(proxy)
    asked, expected = f"GET {url} through the proxy {through}", "an answer of the server"
    about = {"proxy": through, "url": url, "name": where.hostname or ""}
    if not can_be_asked(proxy):
        return unknown("proxy", asked, "not asked: this kind of proxy is not known here", **about)
    answer = Asker(url, sent, SECONDS, proxy).ask("")
    about["said"] = answer.message()
    if answer.status and fault_of(answer) in _SERVERS:
        return row("proxy", asked, expected, f"it lets through: {answer.message()}", **about)
    between = urlsplit(proxy)
    door = network.port(between.hostname or "", between.port or 80)
    if door["fault"] or door["ok"] is None:
        return row("proxy", asked, expected, door["seen"], "gone", **about)
    directly = Asker(url, sent, SECONDS).ask("")
    if _is_better(directly, answer):
        seen = f"{answer.message()}; without it: {directly.message()}"
        return row("proxy", asked, expected, seen, "between", **about)
    if not answer.status or answer.status == 407:
        return row("proxy", asked, expected, answer.message(), "refuses", **about)
    return row("proxy", asked, expected, f"it lets through: {answer.message()}", **about)


def _is_better(directly: Answer, through: Answer) -> bool:
    """Whether the server itself answers where the proxy did not let through."""
    return fault_of(directly) in _SERVERS and directly.status != through.status
