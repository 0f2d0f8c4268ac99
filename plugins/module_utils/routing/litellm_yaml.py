# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The LiteLLM configuration as YAML text.

Written by hand because it is plain (mappings, lists, scalars) and ten thousand models long:
libyaml's emitter, fed from Python, takes five times as long. Whatever comes out is read back
by YAML 1.1's rules, which LiteLLM's loader follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

_PLAIN = re.compile(r"[A-Za-z~/][A-Za-z0-9_~/.@#+-]*(?::[A-Za-z0-9_~/.@#+-]+)*")
_OTHER_TYPES = frozenset(("~", "y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def render(config: Mapping[str, object]) -> str:
    """YAML of nested mappings, lists, strings, numbers, booleans and None.

    The same value gives the same text, byte for byte. Keys must be strings.
    """
    return "".join(_mapping(config, ""))


def _mapping(node: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, value in node.items():
        yield f"{indent}{_text(key)}:"
        if isinstance(value, (dict, list)) and value:
            yield "\n"
            yield from _below(value, indent)
        else:
            yield f" {_scalar(value)}\n"


def _below(value: object, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _mapping(value, indent + "  ")
    elif isinstance(value, list):
        for item in value:
            yield from _item(item, indent)


def _item(item: object, indent: str) -> Iterator[str]:
    if isinstance(item, dict) and item:
        # The first key stands beside the dash.
        lines = "".join(_mapping(item, indent + "  "))
        yield f"{indent}- {lines[len(indent) + 2 :]}"
    elif isinstance(item, list) and item:
        yield f"{indent}-\n"
        yield from _below(item, indent + "  ")
    else:
        yield f"{indent}- {_scalar(item)}\n"


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        # YAML 1.1 takes 1e-09 and inf for strings.
        text = repr(value).replace("inf", ".inf")
        return text if "." in text else text.replace("e", ".0e")
    if isinstance(value, int):
        return str(value)
    return "{}" if isinstance(value, dict) else "[]"


@lru_cache(maxsize=8192)
def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHER_TYPES:
        return text
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
