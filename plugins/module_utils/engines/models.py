# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of models: named by the model and its sum, so that instances share them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from .common import Settings, safe

_FROM = ("url", "path", "pypi", "member", "sha256")


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
