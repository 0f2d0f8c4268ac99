# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rule of a diagnosis: from what was seen to a cause and what to do."""

from __future__ import annotations

from dataclasses import dataclass

SITE = "Run `ansible-playbook playbooks/site.yml`."
CHECK = "`ansible-playbook playbooks/check.yml` says it with its place."
LOG = "`journalctl --user -u {unit}` on {target} has all of it, as the services' user."
ROTATE = "`{variable}=... ansible-playbook playbooks/rotate_key.yml -e variable={variable}`"


@dataclass(frozen=True)
class Rule:
    """For a row of `check` with one of `faults`. `cause` and `fix` are sentences with {values} of
    the row; `given` are (check, fault) of which each must be there as well for the same instance,
    where the fault `ok` means that it came out right and `*` that it did not; `warns` marks what is
    told and does not keep the provider from answering."""

    check: str
    faults: tuple[str, ...]
    cause: str
    fix: str
    given: tuple[tuple[str, str], ...] = ()
    warns: bool = False
