"""A no-op run of our llama_cpp role beside prometheus.prometheus.node_exporter, on one host.

Both are given what they need as variables and run in turn. The other role has a small stand-in for
its program and facts of its own choice gathered, which is to its advantage: a real node_exporter
has 20 MB to be downloaded and unpacked in every run. Afterwards a unit file is deleted and the
program is changed, and one run of ours has to notice and mend both.

The collection comes by ansible-galaxy into build/bench/collections, or from where
LAB_LLM_PROMETHEUS (a folder with ansible_collections/) says; without it there is no figure.
"""

from __future__ import annotations

import http.server
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from tools.fleet_lab import ROOT, Fleet, Run, ensure_artifacts, fleet

COLLECTION = "prometheus.prometheus:==0.30.2"
TIMES = 3
FACTS = [
    "!all",
    "!min",
    "distribution",
    "mounts",
    "pkg_mgr",
    "platform",
    "python",
    "selinux",
    "service_mgr",
]
UNIT = "/var/lib/llm/.config/systemd/user/llama-server-bench.service"
BREAK = (
    f"rm {UNIT}; for file in /var/lib/llm/llama.cpp/*/llama-server; do echo broken >> $file; done"
)
LOOK = f"test -f {UNIT}; ! grep -l broken /var/lib/llm/llama.cpp/*/llama-server"
NODE_EXPORTER = """#!/usr/bin/python3
# A STAND-IN for node_exporter: it runs, and measures nothing.
import signal
signal.pause()
"""


def run() -> dict[str, dict[str, Any]]:
    collections = prometheus()
    if collections is None:
        print(
            "  no prometheus.prometheus in reach: noop_role_ratio is not measured", file=sys.stderr
        )
        return {}
    with tempfile.TemporaryDirectory() as folder, fleet(1, Path(folder)) as hosts:
        served = exporter(Path(folder))
        try:
            ours, theirs = plays(hosts, collections, served.server_port)
            return compared(hosts, ours, theirs)
        finally:
            served.shutdown()


def compared(
    hosts: Fleet, ours: Callable[[], Run], theirs: Callable[[], Run]
) -> dict[str, dict[str, Any]]:
    for first in (ours, theirs):
        sound(first())
    took: dict[str, list[Run]] = {"ours": [], "theirs": []}
    for _time in range(TIMES):
        for name, play in (("ours", ours), ("theirs", theirs)):
            took[name].append(sound(play()))
    unchanged = [not changes(one) for one in took["ours"]]
    seconds = {name: statistics.median(r.seconds for r in runs) for name, runs in took.items()}
    cpu = {name: statistics.median(r.cpu for r in runs) for name, runs in took.items()}
    hosts.on("gpu01", BREAK)
    mended = changes(sound(ours()))
    hosts.on("gpu01", LOOK)
    if not all(unchanged) or mended != 2 or changes(sound(ours())):
        raise RuntimeError(f"ours is no no-op, or has not mended both: {unchanged}, {mended}")
    return {
        "noop_role_ratio": figure(seconds["ours"], seconds["theirs"], "s"),
        "noop_role_cpu_ratio": figure(cpu["ours"], cpu["theirs"], "CPU s"),
        "noop_role_mended": figure(mended, 2, "of unit file and program"),
    }


def figure(value: float, floor: float, unit: str) -> dict[str, Any]:
    return {"value": round(value, 2), "unit": unit, "floor": round(floor, 2),
            "ratio": round(value / floor, 3)}  # fmt: skip


def sound(seen: Run) -> Run:
    if seen.code:
        raise RuntimeError(seen.output)
    return seen


def changes(seen: Run) -> int:
    recap = next(line for line in seen.output.splitlines() if line.startswith("gpu01 "))
    return int(recap.split("changed=")[1].split()[0])


def plays(
    hosts: Fleet, collections: Path, port: int
) -> tuple[Callable[[], Run], Callable[[], Run]]:
    """How to run ours and theirs, each a playbook of one play."""
    variables = {"llama_cpp_services": service(hosts), **release(hosts)}
    other = {
        "node_exporter_binary_url": f"http://127.0.0.1:{port}/node_exporter-1.0.linux-amd64.tar.gz",
        "node_exporter_checksums_url": f"http://127.0.0.1:{port}/sha256sums.txt",
        "node_exporter_version": "1.0",
        "node_exporter_enabled_collectors": [],
        "node_exporter_local_cache_path": str(hosts.folder / "cache"),
    }
    head: dict[str, Any] = {"hosts": "gpu01"}
    ours = {**head, "gather_facts": False, "roles": ["lab.llm.llama_cpp"], "vars": variables}
    theirs = {**head, "gather_facts": True, "gather_subset": FACTS, "become": True,
              "roles": ["prometheus.prometheus.node_exporter"], "vars": other}  # fmt: skip
    made = []
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = f"{ROOT / '.ansible'}:{collections}"
    os.environ["ANSIBLE_STDOUT_CALLBACK"] = "default"
    for name, play in (("ours", ours), ("theirs", theirs)):
        path = hosts.folder / f"{name}.yml"
        path.write_text(json.dumps([play]))
        made.append(partial(hosts.play, str(path)))
    return made[0], made[1]


def service(hosts: Fleet) -> list[dict[str, Any]]:
    """The specs of one real llama-server with the lab's model, as the registry gives them."""
    model = ensure_artifacts(hosts.lab)["model"]
    source = {"url": model["url"], "sha256": model["sha256"]}
    options = {"ctx_size": 512, "threads": 1}
    deploy = {"hosts": "gpu01", "port": 18080, "options": options, "gpus": []}
    declared = {"type": "llama_cpp", "deploy": deploy, "models": [{"name": "m", "source": source}]}
    folder = hosts.folder / "one"
    folder.mkdir()
    (folder / "one.yaml").write_text(json.dumps({"providers": {"bench": declared}}))
    return compile_registry(str(folder), Inventory({}, hosts.lab.addresses)).services["gpu01"]


def release(hosts: Fleet) -> dict[str, Any]:
    found = ensure_artifacts(hosts.lab)["llama_cpp"]
    known = {f"archive_{key}": found[key] for key in ("url", "sha256")}
    known |= {"version": found["version"], "install": "archive", "binary": ""}
    return {f"llama_cpp_{key}": value for key, value in known.items()}


def exporter(folder: Path) -> http.server.ThreadingHTTPServer:
    """Serves an archive and its checksums, as node_exporter's releases do."""
    place = folder / "mirror"
    place.mkdir()
    archive = place / "node_exporter-1.0.linux-amd64.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        entry = tarfile.TarInfo("node_exporter-1.0.linux-amd64/node_exporter")
        entry.size, entry.mode = len(NODE_EXPORTER), 0o755
        tar.addfile(entry, io.BytesIO(NODE_EXPORTER.encode()))
    sums = subprocess.run(["sha256sum", archive.name], cwd=place, capture_output=True, check=True)
    (place / "sha256sums.txt").write_bytes(sums.stdout)
    handler = partial(Quiet, directory=str(place))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        pass


def prometheus() -> Path | None:
    """A folder with the collection in ansible_collections/, None where it cannot be had."""
    given = os.environ.get("LAB_LLM_PROMETHEUS")
    if given:
        return Path(given)
    place = ROOT / "build/bench/collections"
    if not (place / "ansible_collections/prometheus/prometheus").is_dir():
        argv = ["ansible-galaxy", "collection", "install", COLLECTION, "-p", str(place)]
        subprocess.run(argv, capture_output=True, timeout=300, check=False)
    return place if (place / "ansible_collections/prometheus/prometheus").is_dir() else None
