# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a schema cannot see: one small function a rule, each a generator of problems.

A new rule is one function and one line in RULES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...registry.model import Registry
from ...registry.problems import Problem
from ..resolve import Inventory
from ..route_table import RouteTable
from . import (
    aliases,
    budgets,
    canaries,
    capabilities,
    chains,
    clusters,
    conditions,
    counts,
    cycles,
    deploys,
    gpus,
    limits,
    names,
    patterns,
    providers,
    retries,
    shares,
    sizes,
    slots,
    sources,
    spares,
    ways,
)
from .facts import Facts

Rule = Callable[[Facts], Iterator[Problem]]

RULES: tuple[Rule, ...] = (
    names.reserved_name,
    names.duplicate_model,
    names.duplicate_route,
    names.unknown_provider,
    names.unknown_model,
    names.unknown_fallback,
    names.ambiguous_name,
    names.ambiguous_model,
    providers.missing_base_url,
    providers.bad_base_url,
    providers.api_format,
    providers.missing_key_variable,
    providers.gateways_own_key,
    providers.key_conflict,
    providers.key_beside_header,
    providers.variable_without_use,
    providers.unsupported_mode,
    providers.missing_api_version,
    providers.health_without_effect,
    providers.unused_provider,
    providers.unused_model,
    shares.partial_weights,
    shares.zero_weights,
    shares.duplicate_member,
    shares.mixed_modes,
    patterns.bad_pattern,
    patterns.shadowed_pattern,
    patterns.pattern_without_match,
    patterns.loose_pattern,
    patterns.pattern_priority,
    capabilities.unknown_member,
    capabilities.member_left_out,
    capabilities.member_too_small,
    capabilities.empty_capability,
    sizes.empty_size_range,
    sizes.overlapping_sizes,
    sizes.size_gap,
    sizes.size_without_effect,
    canaries.traffic_without_effect,
    canaries.canary_without_peer,
    canaries.too_much_traffic,
    canaries.canary_in_rule,
    ways.provider_not_served,
    ways.fallback_to_unserved,
    ways.fallback_without_effect,
    cycles.fallback_cycle,
    ways.no_fallback,
    ways.priority_without_effect,
    chains.unknown_primary,
    chains.chain_conflict,
    chains.chain_order,
    chains.chain_without_effect,
    chains.ambiguous_step,
    chains.special_without_room,
    retries.delay_conflict,
    retries.retry_without_effect,
    retries.balancing_without_effect,
    retries.canary_beside_strategy,
    aliases.alias_of_nothing,
    aliases.alias_taken,
    conditions.impossible_condition,
    conditions.condition_without_answer,
    conditions.unknown_answer,
    conditions.repeated_condition,
    conditions.condition_without_effect,
    conditions.condition_left_out,
    spares.smaller_context,
    spares.same_machine,
    spares.model_without_fallback,
    limits.unknown_limit,
    limits.unrouted_limit,
    limits.limit_needs_split,
    limits.split_exceeds_total,
    limits.limit_below_hosts,
    limits.limit_of_any_name,
    budgets.unknown_budget,
    budgets.budget_without_effect,
    budgets.budget_needs_split,
    budgets.budget_exceeded_by_parts,
    budgets.budget_without_price,
    counts.counted_by_each,
    deploys.unknown_host,
    sources.missing_source,
    sources.source_without_deploy,
    sources.unfit_source,
    sources.source_without_effect,
    sources.unpinned_revision,
    deploys.one_model,
    deploys.port_conflict,
    clusters.cluster_of_others,
    clusters.cluster_unfit,
    clusters.cluster_ports,
    clusters.parallel_sizes,
    gpus.gpu_share_exceeded,
    deploys.unreachable_bind,
    deploys.listens_everywhere,
    slots.unknown_slot,
    slots.not_in_slot,
    slots.lonely_slot,
    slots.slot_without_choice,
    slots.slot_on_other_hosts,
    slots.slot_without_shared_gpu,
    slots.nobody_runs,
    slots.parked_fallback,
)


def check_rules(registry: Registry, table: RouteTable, inventory: Inventory) -> list[Problem]:
    """The findings of all rules, unsorted."""
    facts = Facts(registry, table, inventory)
    return [problem for rule in RULES for problem in rule(facts)]
