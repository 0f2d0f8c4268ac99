# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM on several hosts: a Ray cluster of its own for each provider, and the units of one node.

The first host is the head. The others try to join until it is there; vLLM waits, on the head, until
all are in. So no order of the hosts is needed, and a node that comes back finds its place again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .common import HARDENING, LIMITS, STATES, EngineError, Settings, Spec, gpus_in, sandbox_of

TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - a variable's name
# The cluster's own ports, from deploy.port on; then those of its workers, and what vLLM's
# processes choose for one another.
PORTS = {
    "port": 1,
    "node-manager-port": 2,
    "object-manager-port": 3,
    "runtime-env-agent-port": 4,
    "dashboard-agent-grpc-port": 5,
    "dashboard-agent-listen-port": 6,
    "metrics-export-port": 7,
}
ENGINE_PORTS = 20
WORKER_PORTS = (100, 199)
STOP_SECONDS = 60
# Asks the head's own process, with Ray's library: bounded, and it says who is missing.
WAIT = """\
import sys, time, ray
address, wanted, seconds = sys.argv[1], sys.argv[2].split(","), float(sys.argv[3])
end, missing = time.monotonic() + seconds, wanted
while time.monotonic() < end:
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        while time.monotonic() < end:
            alive = [n["NodeManagerAddress"] for n in ray.nodes() if n["Alive"]]
            missing = [one for one in wanted if one not in alive]
            if not missing:
                sys.exit(0)
            time.sleep(1)
    except (ConnectionError, RuntimeError) as problem:
        print(f"the head does not answer yet: {problem}", flush=True)
        ray.shutdown()  # half of a connection would be in the way of the next
        time.sleep(2)
sys.exit(f"these nodes are not in the Ray cluster after {seconds:.0f} s: {', '.join(missing)}")
"""


def is_worker(spec: Spec) -> bool:
    """Whether this host only lends its GPUs to the head's."""
    return bool(spec.get("ray")) and not spec["ray"]["is_head"]


def node(spec: Spec, settings: Settings, python: str, watch: Sequence[str]) -> list[dict[str, Any]]:
    """The unit of this host's part of the cluster, as lab.llm.user_units takes it.

    Raises EngineError without a token: Ray listens on all addresses of its hosts.
    """
    if not settings["ray_token"]:
        raise EngineError(
            f"provider {spec['provider']} runs on Ray, and whoever reaches Ray's ports can run what"
            " he likes: set vllm_ray_token, the same on all its hosts, from the vault"
        )
    ray = spec["ray"]
    title = "head" if ray["is_head"] else "worker"
    made = {
        "name": ray["unit"],
        "sections": {
            "Unit": {
                "Description": f"Ray {title} for {spec['provider']}",
                "StartLimitIntervalSec": 0,
            },
            "Service": _service(spec, settings, python),
            "Install": {"WantedBy": "default.target"},
        },
        "sandbox": sandbox_of(settings),
        "state": STATES[spec.get("runs", True)],
        "secrets": {TOKEN: settings["ray_token"]},
        "files": {},
        "beside": [],
        "watch": list(watch),
        # A worker is ready when it tries: its head may be started after it.
        "port": spec["port"] + PORTS["port"] if ray["is_head"] else None,
        "ready": [],
        "ready_timeout": settings["ready_timeout"],
    }
    return [made]


def _service(spec: Spec, settings: Settings, python: str) -> dict[str, Any]:
    sessions = f"{settings['home']}/.cache/ray/{spec['port']}"
    return {
        "Type": "exec",
        # Each run leaves the logs of its session behind, which nobody else removes.
        "ExecStartPre": ["/usr/bin/rm", "-rf", "--", sessions],
        "ExecStart": [*_start(spec, python), "--temp-dir", sessions],
        "Environment": {**gpus_in(spec), **variables(spec, settings), **spec["environment"]},
        # A worker whose head is gone ends well, and is to be there when it comes back.
        "Restart": "always",
        "RestartSec": "5s",
        "TimeoutStartSec": f"{settings['ready_timeout']}s",
        "TimeoutStopSec": f"{STOP_SECONDS}s",
        "KillMode": "mixed",
        "LimitNOFILE": 65536,
        "CacheDirectory": "ray",
        **{LIMITS[key]: value for key, value in spec["limits"].items()},
        **HARDENING,
    }


def _start(spec: Spec, python: str) -> list[str]:
    """The command that is this node until it is stopped."""
    ray, port = spec["ray"], spec["port"]
    head = f"{ray['head']}:{port + PORTS['port']}"
    argv = [python, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
    argv += ["--node-ip-address", ray["address"]]
    argv += ["--head", "--include-dashboard", "false"] if ray["is_head"] else ["--address", head]
    for name, offset in PORTS.items():
        if ray["is_head"] or name != "port":
            argv += [f"--{name}", str(port + offset)]
    low, high = WORKER_PORTS
    argv += ["--min-worker-port", str(port + low), "--max-worker-port", str(port + high)]
    return argv if spec["gpus"] is None else [*argv, "--num-gpus", str(len(spec["gpus"]))]


def on_ray(made: dict[str, Any], spec: Spec, settings: Settings) -> dict[str, Any]:
    """vLLM's own unit, which waits for the cluster of its nodes; as it is for one without."""
    ray = spec.get("ray")
    if not ray:
        return made
    sections, seconds = made["sections"], settings["ray_ready_timeout"]
    python = sections["Service"]["ExecStart"][0]
    head = f"{ray['head']}:{spec['port'] + PORTS['port']}"
    wait = [python, "-c", WAIT, head, ",".join(ray["nodes"]), str(seconds)]
    environment = {**sections["Service"]["Environment"], **variables(spec, settings)}
    environment |= {"RAY_ADDRESS": head, **spec["environment"]}
    limit = f"{settings['ready_timeout'] + seconds}s"
    more = {"ExecStartPre": wait, "Environment": environment, "TimeoutStartSec": limit}
    before = [*(spec.get("conflicts") or []), ray["unit"]]
    order = {"Requires": ray["unit"], "After": before}
    return {
        **made,
        "sections": {
            **sections,
            "Unit": {**sections["Unit"], **order},
            "Service": {**sections["Service"], **more},
        },
        "secrets": {**(made["secrets"] or {}), TOKEN: settings["ray_token"]},
        "ready_timeout": settings["ready_timeout"] + seconds,
    }


def variables(spec: Spec, settings: Settings) -> dict[str, str]:
    """What the processes of all nodes have in their environment."""
    ray = spec["ray"]
    return {
        "VLLM_HOST_IP": ray["address"],
        "VLLM_PORT": str(spec["port"] + ENGINE_PORTS),
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "RAY_AUTH_MODE": "token",
        **settings["environment"],
    }


def units_of(spec: Spec) -> list[str]:
    """The units that a spec stands for on its host, in the order in which they are stopped."""
    ray: Mapping[str, Any] = spec.get("ray") or {}
    own = [] if is_worker(spec) else [spec["unit"]]
    return [*own, *([ray["unit"]] if ray else [])]
