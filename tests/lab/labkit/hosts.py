"""The hosts: made, awaited, and taken away."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import socket
import time
from pathlib import Path
from typing import Any

from .artifacts import served_folder
from .guest import CERTIFICATES, PIP_CACHE, as_tar, has_certificates, host_files
from .machine import podman, remove_tree
from .settings import Lab
from .shell import LabError, as_root, run, say, workers

LEASES = Path("/var/lib/cni/networks")  # of podman's older network layer
PIP_VOLUME = "lab-llm-pip"
LABEL = "lab-llm.lab"
SPEC = "lab-llm.spec"


def containers(lab: Lab) -> dict[str, dict[str, Any]]:
    """The lab's containers by name, running or not."""
    argv = ["ps", "--all", "--filter", f"label={LABEL}={lab.name}", "--format", "json"]
    found = json.loads(run(podman(lab, *argv), timeout=30).stdout or "[]")
    return {container["Names"][0]: container for container in found or []}


def ensure_network(lab: Lab) -> None:
    """The lab's bridge, with its subnet; a LabError where the subnet is not free."""
    inspect = run(podman(lab, "network", "inspect", lab.name), timeout=30, check=False)
    if inspect.returncode == 0:
        if f'"{lab.subnet}"' in inspect.stdout:
            _free_addresses(lab)
            return
        remove_all(lab)
    if owner := taken_by(lab.subnet, Path("/proc/net/route").read_text()):
        raise LabError(
            f"{lab.subnet} is in use on this machine (interface {owner}). Free it, or start the lab"
            " elsewhere: LAB_LLM_SUBNET=10.98.7.0/24, with the inventory that `up` then names"
        )
    remove_tree(LEASES / lab.name)
    label = f"{LABEL}={lab.name}"
    argv = ["network", "create", "--subnet", str(lab.subnet), "--label", label, lab.name]
    run(podman(lab, *argv), timeout=60)


def _free_addresses(lab: Lab) -> None:
    """Give back the addresses of containers that are gone; a killed podman leaves them taken."""
    alive = {container["Id"] for container in containers(lab).values()}
    for lease in (LEASES / lab.name).glob("*.*.*.*"):
        if lease.read_text().split()[0] not in alive:
            run(as_root(["rm", "-f", str(lease)]), timeout=10)


def taken_by(subnet: ipaddress.IPv4Network, routes: str) -> str:
    """The interface with a route into `subnet`, from the text of /proc/net/route; or ''."""
    for line in routes.splitlines()[1:]:
        words = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(words[at]), "little") for at in (1, 7))
        if mask and subnet.overlaps(ipaddress.IPv4Network((address, mask.bit_count()))):
            return words[0]
    return ""


def ensure_hosts(lab: Lab, image: str) -> list[str]:
    """Start what does not run as it should; returns the names of what was started."""
    there = containers(lab)
    known = {lab.container(host) for host in (*lab.addresses, "mirror")}
    remove(lab, sorted(set(there) - known))  # of another version of the lab
    with workers(min(len(lab.addresses) + 1, 6)) as pool:
        hosts = [pool.submit(_ensure_host, lab, image, host, there) for host in lab.addresses]
        mirror = pool.submit(_ensure_mirror, lab, image, there)
        return [name for each in [*hosts, mirror] if (name := each.result())]


def _ensure_host(lab: Lab, image: str, host: str, there: dict[str, Any]) -> str:
    name = lab.container(host)
    files = as_tar(host_files(lab, host))
    argv = ["--hostname", host, *_place(lab, lab.addresses[host])]
    argv += ["--systemd=always", "--volume", f"{PIP_VOLUME}:{PIP_CACHE}"]
    for other, address in lab.addresses.items():
        argv += ["--add-host", f"{other}:{address}"]
    if has_certificates():
        argv += ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    spec = hashlib.sha256(repr([image, argv, files]).encode()).hexdigest()[:16]
    if _runs(there, name, spec) and _system_state(lab, name, 10) == "running":
        return ""
    _create(lab, name, spec, [*argv, image])
    run(podman(lab, "cp", "-", f"{name}:/"), timeout=60, data=files)
    run(podman(lab, "start", name), timeout=60)
    _await_system(lab, name)
    return name


def _ensure_mirror(lab: Lab, image: str, there: dict[str, Any]) -> str:
    """The HTTP server of the artefacts: a small container, so that it ends with the lab."""
    name = lab.container("mirror")
    argv = _place(lab, lab.mirror)
    argv += ["--volume", f"{served_folder(lab)}:/srv/artifacts:ro", image]
    argv += ["python3", "-m", "http.server", "80", "--directory", "/srv/artifacts"]
    # A cache that was removed and made anew is another folder under the same name.
    folder = served_folder(lab).stat().st_ino
    spec = hashlib.sha256(repr([argv, folder]).encode()).hexdigest()[:16]
    if _runs(there, name, spec):
        return ""
    _create(lab, name, spec, argv)
    run(podman(lab, "start", name), timeout=60)
    return name


def _place(lab: Lab, address: str) -> list[str]:
    """Where a host stands. Its MAC follows from its address: a host made anew would else be out
    of reach for half a minute, until the machine forgets its predecessor's."""
    mac = ":".join(f"{byte:02x}" for byte in (0x0A, 0x59, *ipaddress.IPv4Address(address).packed))
    return ["--network", lab.name, "--ip", address, "--mac-address", mac]


def _runs(there: dict[str, Any], name: str, spec: str) -> bool:
    found = there.get(name)
    return bool(found and found["State"] == "running" and found["Labels"].get(SPEC) == spec)


def _create(lab: Lab, name: str, spec: str, argv: list[str]) -> None:
    remove(lab, [name])
    labels = ["--label", f"{LABEL}={lab.name}", "--label", f"{SPEC}={spec}"]
    run(podman(lab, "create", "--name", name, *labels, *argv), timeout=120)


def _system_state(lab: Lab, name: str, seconds: float) -> str:
    """What systemd says of itself there; "" when it does not answer in time."""
    argv = ["timeout", str(seconds), "systemctl", "is-system-running", "--wait"]
    done = run(podman(lab, "exec", name, *argv), timeout=seconds + 20, check=False)
    return done.stdout.strip()


def _await_system(lab: Lab, name: str) -> None:
    """Wait until systemd says that the host runs, then settle what only a running host can."""
    until = time.monotonic() + 60
    while (state := _system_state(lab, name, 30)) in ("", "offline", "unknown", "initializing"):
        if time.monotonic() > until:
            raise LabError(f"{name}: systemd did not start within 60 s; see `podman logs {name}`")
        time.sleep(0.1)
    if state != "running":
        failed = run(podman(lab, "exec", name, "systemctl", "--failed", "--plain"), timeout=20)
        raise LabError(f"{name} is {state}:\n{failed.stdout}")
    # Other users, of another lab, may have filled the shared cache.
    run(podman(lab, "exec", name, "chmod", "-R", "a+rwX", PIP_CACHE), timeout=60)
    if has_certificates():
        run(podman(lab, "exec", name, "update-ca-certificates"), timeout=60)


def await_reachable(lab: Lab, seconds: float = 30) -> None:
    """Wait until every host's sshd and the mirror answer over the bridge."""
    for host, address in lab.addresses.items():
        _await(f"{host}'s sshd", address, 22, b"", b"SSH-2.0", seconds)
    ask = b"GET / HTTP/1.0\r\n\r\n"
    _await("the mirror", lab.mirror, 80, ask, b"HTTP/1.0 200", seconds)


def _await(what: str, address: str, port: int, ask: bytes, answer: bytes, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((address, port), 3) as connection:
                connection.sendall(ask)
                if connection.recv(64).startswith(answer):
                    return
        except OSError:
            pass
        if time.monotonic() > until:
            raise LabError(
                f"{what} does not answer at {address}:{port} after {seconds:.0f} s; does a firewall"
                " stand before the lab's bridge?"
            )
        time.sleep(0.1)


def remove(lab: Lab, names: list[str]) -> None:
    if names:
        argv = ["rm", "--force", "--ignore", "--time", "0", "--volumes=false", *names]
        run(podman(lab, *argv), timeout=120)


def remove_all(lab: Lab) -> None:
    """Remove the lab's containers, whatever state they are in, and its network."""
    names = list(containers(lab))
    if names:
        say(f"removing {', '.join(sorted(names))}")
    remove(lab, names)
    exists = run(podman(lab, "network", "exists", lab.name), timeout=30, check=False)
    if exists.returncode == 0:
        run(podman(lab, "network", "rm", "--force", "--time", "0", lab.name), timeout=60)
    remove_tree(LEASES / lab.name)
