"""The commands of the lab, one function each."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from . import access, hosts, machine
from .artifacts import ensure_artifacts, publish
from .guest import ensure_keys
from .image import ensure_image
from .settings import LOGIN, Lab
from .shell import LabError, end_all, run, say, workers


def up(lab: Lab) -> None:
    """Bring the lab up, whatever it is in now; nothing changes where nothing has to."""
    began = time.monotonic()
    machine.may_be_root()
    with machine.only_one(lab), _all_or_nothing(lab):
        machine.need("ssh", "ssh-keygen", "podman", "iptables", machine.container_runtime())
        ensure_keys(lab)
        hosts.ensure_network(lab)
        with workers(2) as pool:
            image = pool.submit(ensure_image, lab)
            manifest = pool.submit(ensure_artifacts, lab)
            name, served = image.result(), manifest.result()
        started = hosts.ensure_hosts(lab, name)
        if started:
            say(f"started {', '.join(started)}")
            access.forget_connections(lab)
        hosts.await_reachable(lab)
        access.write(lab)
        publish(lab, served)
    say(f"up after {time.monotonic() - began:.1f} s")
    status(lab)


@contextmanager
def _all_or_nothing(lab: Lab) -> Iterator[None]:
    """Whatever ends the body early, no half-made host stays behind."""
    before = set(hosts.containers(lab)) if machine.has("podman") else set()
    try:
        yield
    except BaseException:
        end_all()
        if machine.has("podman"):
            hosts.remove(lab, sorted(set(hosts.containers(lab)) - before))
            if not before:
                hosts.remove_all(lab)
        raise


def down(lab: Lab, *, purge: bool) -> None:
    """Remove hosts and network; with `purge` also images, artefacts and caches."""
    machine.may_be_root()
    with machine.only_one(lab):
        if machine.has("podman"):
            hosts.remove_all(lab)
        if lab.state.exists():
            access.forget_connections(lab)
        if purge:
            _purge(lab)
    if purge:
        shutil.rmtree(lab.cache, ignore_errors=True)
    say("down")


def _purge(lab: Lab) -> None:
    if machine.has("podman"):
        run(machine.podman(lab, "volume", "rm", hosts.PIP_VOLUME), timeout=60, check=False)
        for kind in ("host", "base"):
            argv = ["images", "--quiet", "--filter", f"reference=localhost/lab-llm-{kind}"]
            names = run(machine.podman(lab, *argv), timeout=30).stdout.split()
            if names:
                run(machine.podman(lab, "rmi", *names), timeout=60, check=False)
    machine.remove_tree(lab.cache / "artifacts")


def status(lab: Lab) -> bool:
    """Print what stands and how to reach it; whether all of it runs."""
    there = hosts.containers(lab) if machine.has("podman") else {}
    places = {**lab.addresses, "mirror": lab.mirror}
    states = {host: there.get(lab.container(host), {}).get("State", "absent") for host in places}
    for host, address in places.items():
        print(f"{host:<9} {address:<14} {states[host]}")
    if not any(state == "running" for state in states.values()):
        print("\nThe lab is down. `tests/lab/lab up` starts it.")
        return False
    print(f"\nreach     tests/lab/lab ssh gateway1   (user {LOGIN}, who may sudo)")
    print(f"ansible   ansible all -i {_short(lab)} -m ping")
    print(f"served    http://{lab.mirror}/  (llama.cpp, Ollama's stand-in, SmolLM2-135M-Instruct)")
    print("remove    tests/lab/lab down")
    return all(state == "running" for state in states.values())


def _short(lab: Lab) -> str:
    return os.path.relpath(lab.inventory) if lab.is_default else str(lab.inventory)


def artifacts(lab: Lab, *, refresh: bool, as_json: bool) -> None:
    """Make the artefacts without the hosts, and print what they are."""
    machine.may_be_root()
    with machine.only_one(lab):
        manifest = ensure_artifacts(lab, refresh=refresh)
        publish(lab, manifest)
    if as_json:
        print(json.dumps(manifest, indent=2, sort_keys=True))
        return
    for entry in manifest.values():
        print(f"{entry['url']}\n  sha256 {entry['sha256']}\n  from   {entry['origin']}")


def ssh(lab: Lab, host: str, words: list[str]) -> None:
    """Become ssh to a host."""
    config = access.ssh_config(lab)
    if not config.exists():
        raise LabError("the lab is down; `tests/lab/lab up` starts it")
    os.execvp("ssh", ["ssh", "-F", str(config), host, *words])
