# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a mistake: how a report is grouped, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SECRET, REFUSED, FAILS, MISROUTED = "secret", "refused", "fails", "misrouted"
DROPPED, IGNORED, NOTE = "dropped", "ignored", "note"

EFFECTS: Mapping[str, str] = MappingProxyType(
    {
        SECRET: "Secrets in the file",
        REFUSED: "LiteLLM does not start with this",
        FAILS: "Requests fail",
        MISROUTED: "Goes where it should not",
        DROPPED: "Dropped",
        IGNORED: "Has no effect",
        NOTE: "Works, and is worth knowing",
    }
)
