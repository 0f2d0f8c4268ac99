"""What a no-op run of site.yml costs a host, at 10 and at 50 hosts, and whom a dead host holds up.

The hosts are containers with systemd and sshd, the engine on them is a stand-in. CPU seconds are
those of ansible-playbook with all its processes, and of all hosts together.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools.fleet_lab import GATEWAY, Fleet, Run, fleet

SITE = "playbooks/site.yml"
FEW, MANY = (int(one) for one in os.environ.get("LAB_LLM_FLEET", "10 50").split())
MOST_TASKS = 12  # a host, in a run that changes nothing


def run() -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, fleet(MANY, Path(folder)) as hosts:
        few = noop(hosts, hosts.lab.names[:FEW])
        many = noop(hosts, hosts.lab.names)
        figures = {
            "fleet_cost_growth_ratio": ratio(cost(many), cost(few), "x a host's cost at 10"),
            "fleet_tasks_a_host": ratio(most(many, "tasks"), MOST_TASKS, "tasks"),
            "fleet_modules_a_host": ratio(most(many, "modules"), MOST_TASKS, "modules on the host"),
            "fleet_cpu_a_host": ratio(cost(many), cost(few), "CPU s"),
        }
        return figures | held_up(hosts)


def noop(hosts: Fleet, names: list[str]) -> Run:
    """The second run at this size; the first one may have something to do."""
    hosts.declare(names)
    first = hosts.play(SITE)
    if first.code:
        raise RuntimeError(first.output)
    again = hosts.play(SITE)
    if again.code or "changed" in again.output:
        raise RuntimeError(f"not a run that changes nothing:\n{again.output}")
    tell(f"{len(names)} hosts", again, len(names))
    return again


def held_up(hosts: Fleet) -> dict[str, dict[str, Any]]:
    """How long the rest takes, beside one that is dead and one that hangs."""
    dead, hanging, *rest = hosts.lab.names[:FEW]
    hosts.declare(rest)
    hosts.play(SITE)
    before = hosts.play(SITE)
    hosts.declare(hosts.lab.names[:FEW])
    hosts.kill(dead)
    hosts.hang(hanging)
    try:
        seen = hosts.play(SITE)
    finally:
        hosts.go_on(hanging)
    tell("one dead, one hanging", seen, FEW)
    backends = [max(one.counted[name]["seconds"] for name in rest) for one in (seen, before)]
    return {
        "fleet_rest_held_up_ratio": ratio(*backends, "x without them"),
        "fleet_run_with_dead_s": ratio(seen.seconds, before.seconds, "s"),
    }


def cost(one: Run) -> float:
    """CPU seconds a host; the gateway's own, which does not serve more for that, is no host's."""
    names = [name for name in one.counted if name not in ("localhost", GATEWAY)]
    return (one.cpu - one.of.get(GATEWAY, 0)) / len(names)


def most(one: Run, what: str) -> float:
    return max(
        seen[what] for name, seen in one.counted.items() if name not in ("localhost", GATEWAY)
    )


def ratio(value: float, floor: float, unit: str) -> dict[str, Any]:
    rounded = round(value / floor, 3) if floor else 0.0
    return {"value": round(value, 3), "unit": unit, "floor": round(floor, 3), "ratio": rounded}


def tell(what: str, seen: Run, count: int) -> None:
    here = seen.of["controller"]
    there = [seen.of[name] for name in seen.of if name not in ("controller", GATEWAY)]
    print(
        f"  {what}: {seen.seconds:.1f} s, controller {here:.1f} CPU s, hosts {sum(there):.1f},"
        f" {(here + sum(there)) / count:.2f} a host",
        file=sys.stderr, flush=True,
    )  # fmt: skip
