"""A registry with everything in it that routes, as large as it is asked for."""

from __future__ import annotations

STRATEGIES = ("load_balance", "fastest_response", "least_loaded", "lowest_cost", "ordered")


def rules(providers: int, patterns: int, capabilities: int) -> str:
    """Patterns (every second one no prefix) and capabilities over the models of so many providers,
    as bench_compile.registry() names them.
    """
    lines = ["patterns:"]
    for number in range(patterns):
        at = number * (providers // patterns)
        expression, more = _expression(number, at, (at + 1) % providers)
        lines.append(f"  - {{pattern: '{expression}', {more}}}")
    lines.append("capabilities:")
    for number in range(capabilities):
        strategy = STRATEGIES[number % len(STRATEGIES)]
        first, second = number * 3 % providers, (number * 7 + 1) % providers
        chosen = (
            f"specialty: task-{number}"
            if number % 2
            else f"preferred_models: [family-{first}-model-2, family-{second}-model-4]"
        )
        lines.append(
            f"  capability-{number}: {{{chosen}, routing_strategy: {strategy},"
            f" fallback: family-{number}-model-9}}"
        )
    return "\n".join(lines) + "\n"


def _expression(number: int, at: int, other: int) -> tuple[str, str]:
    """(expression, the rest of the entry): a prefix, or one of five kinds that are none."""
    elsewhere = f"provider: provider-{other}, backend_model: family-{other}-model-3"
    if number % 2 == 0:
        return f"^team-{number}/.*", f"{elsewhere}, fallback: family-{at}-model-1"
    kinds = (
        (f"-{at}-model-[0-4]$", f"provider: provider-{at}, fallback: family-{other}-model-5"),
        (f"^(family-{at}-model-5|family-{at}-model-6)$", elsewhere),
        (f"(?i)^FAMILY-{at}-MODEL-[78]", elsewhere),
        (f"^family-{at}-.*[0-9]$", f"{elsewhere}, priority: secondary"),
        (f"y-{at}-m.d.l-[135]", elsewhere),
    )
    return kinds[number // 2 % len(kinds)]
