# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What exactly is wrong with an address, a variable's name or a header: one function each.

Each takes the text and returns (code, what is wrong, what to write; "" for the schema's words).
No text that may hold a key is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .schema_spots import looks_secret, short

Fault = tuple[str, str, str]

_VARIABLE = re.compile(r"\$|os\.environ|\{\{|\}\}")
# In capitals it is surely a name; anything else behind such a sign may be a password.
_REFERENCE = re.compile(r"^\s*(?:\$\{|os\.environ/|env:)\s*([A-Z_][A-Z0-9_]*)\s*\}?\s*$")


def bad_url(text: str) -> Fault:
    """An address that cannot be used as it stands."""
    code = "bad-url"
    if "@" in text:
        return (
            code,
            "holds credentials or an '@'; it is not shown here",
            ("the address alone; a key is declared by `env_var: NAME`"),
        )
    shown = f"is '{short(text)}'"
    if looks_secret(text):
        shown = "holds a text that is not shown here"
    if _VARIABLE.search(text):
        return code, f"{shown}, which contains a variable", "the address itself, without variables"
    scheme, found, rest = text.partition("://")
    if not found:
        return code, f"{shown}, which does not begin with http:// or https://", _with_scheme(text)
    if scheme not in ("http", "https"):
        return code, f"{shown}, which does not begin with http:// or https://", ""
    if re.search(r"\s", text):
        return code, f"{shown}, which contains white space", ""
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not host or host.startswith(":"):
        return code, f"{shown}, which names no host", ""
    return _bad_host(code, shown, host, len(rest) > len(host))


def _bad_host(code: str, shown: str, host: str, more: bool) -> Fault:
    name, colon, port = host.rpartition(":")
    if colon and not host.endswith("]"):
        if not port.isascii() or not port.isdigit():
            placeholder = f"'{short(host)}' is a placeholder: " if port == "port" else ""
            why = f"{shown}, whose port '{short(port)}' is no number"
            return code, why, f"{placeholder}the real host and port, such as 192.168.1.100:8080"
        if not 0 < int(port[:6]) < 65536 or port.startswith("0"):
            return code, f"{shown}, whose port is out of range", "a port from 1 to 65535"
    if not re.fullmatch(r"[A-Za-z0-9_.:\[\]-]+", name or host):
        return code, f"{shown}, whose host '{short(name or host)}' no host can be called", ""
    return code, f"{shown}, which is no address", ""


def _with_scheme(text: str) -> str:
    if looks_secret(text):
        return ""
    if re.fullmatch(r"[A-Za-z0-9_.-]+(:[0-9]+)?(/\S*)?", text) and re.search(r"[.:]", text):
        return f"http://{short(text)} or https://{short(text)}"
    if re.fullmatch(r"[A-Za-z0-9_./-]+", text):
        return f"a path beginning with '/', such as /{short(text)}, or an address with http://"
    return ""


def bad_variable_name(text: str) -> Fault:
    """Something else where only the name of a variable may stand. It may be a key: never shown."""
    code = "bad-variable-name"
    name = _REFERENCE.match(text)
    if name and not looks_secret(name.group(1)):
        return code, "refers to a variable", f"only the variable's name: {name.group(1)}"
    if "{{" in text:
        return code, "is a Jinja template, which the registry does not have", ""
    if looks_secret(text) or len(text) > 40:
        return (
            "literal-secret",
            "holds a key in plain text",
            (
                "the NAME of an environment variable, such as OPENAI_API_KEY; its value comes from "
                "the environment or a vault"
            ),
        )
    why = "holds what no variable can be called, and what is not shown here: it may be a key"
    return code, why, ""


def bad_header(text: str) -> Fault:
    """A header's text with a variable in a form that is not replaced, or with a key in it."""
    code = "bad-header"
    if "{{" in text:
        return code, "is a Jinja template, which the registry does not have", ""
    if "os.environ/" in text:
        return code, "names a variable as os.environ/NAME", "the variable as ${NAME}"
    if "$" in text:
        return code, "has a '$' that begins no ${NAME}", "the variable as ${NAME}"
    if looks_secret(text):
        return "literal-secret", "holds a key in plain text", "the variable as ${NAME}"
    return code, "has characters that no header can have", ""


def literal_secret(text: str) -> Fault:
    """A header that carries a key, without a variable in it."""
    return "literal-secret", "carries a key and has no variable in it", ""


EXPLAINED: dict[str, Callable[[str], Fault]] = {
    "bad-url": bad_url,
    "bad-variable-name": bad_variable_name,
    "bad-header": bad_header,
    "literal-secret": literal_secret,
}
