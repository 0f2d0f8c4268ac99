# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What LiteLLM takes from the environment of its process and from nowhere else.

None of it is a secret: it becomes the file `environment` of a generation.
"""

from __future__ import annotations

from ...registry.model import Registry

# How long LiteLLM waits before it tries again: 2, 4, 8 ... times the first, with a random part
# added, up to the third. All three are read once, when it is imported.
DELAYS = ("INITIAL_RETRY_DELAY", "MAX_RETRY_DELAY", "JITTER")


def environment(registry: Registry) -> dict[str, str]:
    """Variables of the gateway's process; empty where nothing needs one."""
    delay = retry_delay(registry)
    if delay is None:
        return {}
    seconds = f"{delay / 1000:.10g}"
    return dict(zip(DELAYS, (seconds, seconds, "0"), strict=True))


def retry_delay(registry: Registry) -> int | None:
    """Milliseconds between tries, for all names; None leaves it to LiteLLM."""
    declared = [registry.everywhere.delay_ms, *(chain.delay_ms for chain in registry.chains)]
    return next((delay for delay in declared if delay is not None), None)
