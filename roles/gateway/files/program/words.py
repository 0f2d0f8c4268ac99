# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd hears about the workers of a generation, taken together: the unit's status line."""

from __future__ import annotations

from collections.abc import Sequence

from place import STANDBY_SECONDS

PRIVATE = "private: not the current generation"
SERVING = "serving"
RETIRING = "retiring: another generation is current"
STANDBY = f"standby: another generation is current; stays for {STANDBY_SECONDS:g} s"
NOBODY = "starting again: no worker is left"


def together(states: Sequence[str], *, wanted: bool, served: bool, said: str) -> str:
    """The line for workers in these states (child.py), after `said`; "" before there is any.

    SERVING begins when all accept, and goes on while one does. PRIVATE, RETIRING and STANDBY are
    said only when none accepts any more. `wanted`: they shall accept. `served`: they once did.
    """
    accepting = states.count("accepting")
    if wanted and accepting and accepting == len(states):
        return SERVING
    if accepting:
        taking_over = f"taking over: {accepting} of {len(states)} workers accept"
        return said if said in ("", SERVING) else taking_over
    if wanted and not states:
        return NOBODY if said == SERVING else said
    if wanted and said != SERVING:
        return said
    # Else they may have seen before their parent that another generation is current.
    if not served:
        return PRIVATE
    return RETIRING if "draining" in states else STANDBY
