# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Text of systemd units and environment files, such that every string arrives as it was given.

The rules are those of systemd.syntax(7), systemd.service(5) and systemd.exec(5), 252 and later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

MARKER = "# Kept by lab.llm."
HEADER = f"{MARKER} Changes here are overwritten: make yours with `systemctl --user edit`.\n"

# Keys whose value is a command line, given as a list of words.
COMMANDS = frozenset(
    {"ExecCondition", "ExecReload", "ExecStart", "ExecStartPost", "ExecStartPre", "ExecStop"}
    | {"ExecStopPost"}
)
# Keys whose value systemd splits into words, so that each needs quoting of its own.
WORDS = frozenset(
    {"BindPaths", "BindReadOnlyPaths", "CacheDirectory", "InaccessiblePaths", "ReadOnlyPaths"}
    | {"ReadWritePaths", "RuntimeDirectory", "StateDirectory", "TemporaryFileSystem"}
)
# Keys that older systemd does not know and would complain about: the version that brought them.
SINCE = {"RestartSteps": 254, "RestartMaxDelaySec": 254}

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}

Value = object
Sections = Mapping[str, Mapping[str, Value]]


class UnitError(ValueError):
    """A text that a unit or environment file cannot carry; the message says which and why."""


def quote(word: str) -> str:
    """One word of a command line or of a list of paths; `$` is left to the caller."""
    _utf8(word)
    if _PLAIN.fullmatch(word):
        return word.replace("%", "%%")
    return '"' + "".join(_escaped(char) for char in word).replace("%", "%%") + '"'


def command(argv: Sequence[str]) -> str:
    """An Exec line that runs `argv` word by word, with no variable and no specifier expanded."""
    if not argv:
        raise UnitError("a command needs at least the path of a program")
    program = argv[0]
    if not program.startswith("/") or re.search(r"[\x00-\x1f\x7f\"'\\]", program):
        raise UnitError(
            f"{program!r} cannot be run by systemd: the program must be an absolute path without "
            "quotes, backslashes and control characters"
        )
    # The colon turns off the expansion of variables, in the words that follow too.
    return " ".join([quote(":" + program), *(quote(str(word)) for word in argv[1:])])


def text(value: str) -> str:
    """A value that systemd takes as it stands up to the end of the line."""
    _utf8(value)
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise UnitError(f"{value!r} holds a control character or a line break")
    if value != value.strip() or value.endswith("\\"):
        raise UnitError(f"{value!r} may not begin or end with a space, nor end with a backslash")
    return value.replace("%", "%%")


def render(sections: Sections, systemd: int = 252) -> str:
    """A unit file from {section: {key: value}}, in the order given.

    A value is a text, a number or a boolean; a list gives one line an item. Exec keys take a list
    of words (or a list of such lists), Environment takes a mapping. Everything is literal: `%` and
    `$` arrive as such. Keys newer than the `systemd` version at hand are left out.
    """
    parts = [HEADER]
    for section, keys in sections.items():
        parts.append(f"\n[{_name(section, 'section')}]\n")
        for key, value in keys.items():
            if SINCE.get(key, 0) <= systemd and value is not None:
                parts.extend(f"{_name(key, 'key')}={line}\n" for line in _lines(key, value))
    return "".join(parts)


def environment_file(variables: Mapping[str, str]) -> str:
    """Text for EnvironmentFile=: any characters but line breaks and control characters."""
    return HEADER + "".join(
        f"{_variable(name)}={_file_value(name, str(value))}\n"
        for name, value in sorted(variables.items())
    )


def unit_name(stem: str, name: str, suffix: str = ".service") -> str:
    """`stem` + `name` + `suffix`, with what a unit's name may not hold written as `\\xNN`."""
    safe = re.sub(
        r"[^A-Za-z0-9:_.-]",
        lambda m: "".join(f"\\x{byte:02x}" for byte in m[0].encode()),
        name,
    )
    full = f"{stem}{safe}{suffix}"
    if len(full) > 255:
        raise UnitError(f"{name!r} makes a unit's name of {len(full)} characters; 255 are allowed")
    return full


def is_ours(content: str) -> bool:
    """Whether a file on the host was written by us and may be overwritten or removed."""
    return content.startswith(MARKER)


def _lines(key: str, value: Value) -> Iterator[str]:
    if key in COMMANDS:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise UnitError(f"{key} takes a list of words, not {value!r}")
        many = bool(value) and not isinstance(value[0], str)
        yield from (command([str(word) for word in argv]) for argv in (value if many else [value]))
    elif key == "Environment":
        if not isinstance(value, Mapping):
            raise UnitError(f"Environment takes a mapping, not {value!r}")
        yield from (quote(f"{_variable(str(k))}={v}") for k, v in value.items())
    elif isinstance(value, bool):
        yield "yes" if value else "no"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from (_one(key, str(item)) for item in value)
    else:
        yield _one(key, str(value))


def _one(key: str, value: str) -> str:
    return quote(value) if key in WORDS else text(value)


def _file_value(name: str, value: str) -> str:
    try:
        _utf8(value)
    except UnitError:
        raise UnitError(f"the value of {name} is not valid text") from None
    if any((ord(char) < 32 and char != "\t") or ord(char) == 127 for char in value):
        # The value is a secret: say which variable, never what it holds.
        raise UnitError(
            f"the value of {name} holds a line break or a control character, which an "
            "environment file cannot carry: check how the value was read (a file's last newline?)"
        )
    return '"' + re.sub(r'(["\\$`])', r"\\\1", value) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return f"\\x{ord(char):02x}" if ord(char) < 32 or ord(char) == 127 else char


def _utf8(value: str) -> None:
    if "\0" in value:
        raise UnitError(f"{value!r} holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnitError(f"{value!r} is not valid text") from None


def _name(name: str, what: str) -> str:
    if not _KEY.fullmatch(name):
        raise UnitError(f"{name!r} is not a {what} of a unit file")
    return name


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise UnitError(f"{name!r} is not the name of an environment variable")
    return name
