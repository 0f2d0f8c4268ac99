# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""budgets: each deployment's part of what its provider may cost."""

from __future__ import annotations

from ..draft import Draft
from ..resolve import budget_of


def budgets(draft: Draft) -> None:
    """Gives each deployment its part, once it is known which models requests reach."""
    for deployment in draft.table.deployments.values():
        budget = draft.registry.budgets.get(deployment.provider)
        routed = draft.table.routed.get(deployment.provider, {})
        most = budget_of(budget, len(routed), deployment.model) if budget else None
        if budget is not None and most is not None and deployment.model in routed:
            deployment.budget = most / len(draft.hosts[deployment.provider])
            deployment.budget_duration = budget.duration
