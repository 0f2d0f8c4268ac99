"""An artefact from the options of a module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .huggingface import ENDPOINT, HubFile
from .wishes import Artifact, problem_with

SOURCE: dict[str, dict[str, Any]] = {
    "url": {"type": "str"},
    "path": {"type": "path"},
    "pypi": {"type": "str"},
    "huggingface": {"type": "str"},
    "revision": {"type": "str", "default": "main"},
    "file": {"type": "str"},
    "include": {"type": "list", "elements": "str"},
    "token_env": {"type": "str", "no_log": False},  # a name, no token
}
SUBOPTIONS: dict[str, dict[str, Any]] = {
    **SOURCE,
    "name": {"type": "str"},
    "member": {"type": "str"},
    "sha256": {"type": "str"},
    "dest": {"type": "path"},
    "unpack": {"type": "path"},
    "over": {"type": "path"},
    "mode": {"type": "str", "default": "0644"},
    "link": {"type": "bool", "default": False},
}
_HUB_FILE = ("path", "size", "sha256", "git")


def wish_of(
    given: Mapping[str, Any],
    tokens: Mapping[str, str] | None = None,
    endpoint: str = ENDPOINT,
    handed: Mapping[str, Any] | None = None,
) -> Artifact:
    """An artefact from the module's options; ValueError names what is wrong with it.

    `tokens` are values by the names of their variables. `handed` is a copy on this host, which is
    opened right now: {file}, or {commit, files: [{path, size, sha256, git, file}]}.
    """
    values = {key: value for key, value in given.items() if value is not None}
    name = str(values.pop("name", given["dest"] or given["unpack"] or "an artefact"))
    try:
        values["mode"] = int(str(values["mode"]), 8)
    except ValueError:
        raise ValueError(f"{name}: mode '{values['mode']}' is not octal, such as 0644") from None
    values["include"] = tuple(values.get("include", ()))
    variable = str(values.get("token_env", ""))
    values["token"] = _token(name, variable, str((tokens or {}).get(variable) or ""))
    values |= {"endpoint": endpoint, **_opened(handed or {})}
    wish = Artifact(name=name, **values)
    if problem := problem_with(wish):
        raise ValueError(f"{name}: {problem}")
    return wish


def _token(name: str, variable: str, value: str) -> str:
    """The token without the newline that ends a file; what cannot be sent is named, not shown."""
    token = value.strip()
    if all("!" <= char <= "~" for char in token):
        return token
    raise ValueError(
        f"{name}: the value of {variable} holds a blank, a line break or a letter that no token has"
    )


def _opened(copy: Mapping[str, Any]) -> dict[str, Any]:
    """Opened by whoever runs this: the user whom the artefact is for need not be able to."""
    if "file" in copy:
        return {"handed": {"": os.open(copy["file"], os.O_RDONLY)}}
    if "files" not in copy:
        return {}
    files = [HubFile(**{key: one[key] for key in _HUB_FILE}) for one in copy["files"]]
    opened = {one["path"]: os.open(one["file"], os.O_RDONLY) for one in copy["files"]}
    return {"handed": opened, "listed": (copy["commit"], files)}
