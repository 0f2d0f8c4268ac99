"""The machine that carries the lab: its tools, its container engine, its own settings."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .settings import Lab
from .shell import LabError, as_root, end_recorded, record_in, run, say

# What a program is called, and the Debian package that brings it.
PACKAGES = {
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "podman": "podman",
    "iptables": "iptables",
    "runc": "runc",
    "crun": "crun",
    "mmdebstrap": "mmdebstrap",
    "zstd": "zstd",
}
DEBIAN_KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


def unified_cgroups() -> bool:
    """Whether the machine has cgroup v2 only; crun wants that, runc takes either."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()


def container_runtime() -> str:
    """crun or runc: what works here, and what is there already."""
    if unified_cgroups() and (shutil.which("crun", path=PATH) or not has("runc")):
        return "crun"
    return "runc"


def has(program: str) -> bool:
    return shutil.which(program, path=PATH) is not None


def need(*programs: str) -> None:
    """Install the packages of those programs that are missing."""
    packages = {PACKAGES[name] for name in programs if not has(name)}
    if "mmdebstrap" in programs and not DEBIAN_KEYS.exists():
        packages.add(DEBIAN_KEYS.stem)
    install(sorted(packages))


def install(packages: list[str]) -> None:
    """Install Debian packages on this machine, after saying so."""
    if not packages:
        return
    if not has("apt-get"):
        raise LabError(f"needs {', '.join(packages)}, and there is no apt-get here to install them")
    say(f"installing {', '.join(packages)} on this machine with apt-get")
    argv = as_root(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"])
    argv += ["-o", "DPkg::Lock::Timeout=120", "install", "--no-install-recommends", *packages]
    if run(argv, timeout=600, check=False, grace=600).returncode:
        run(as_root(["apt-get", "-qq", "update"]), timeout=300)  # the lists were missing or old
        run(argv, timeout=600, grace=600)


def may_be_root() -> None:
    """Ask for sudo's password once, before anything runs in the background."""
    if os.geteuid() == 0:
        return
    if not has("sudo"):
        raise LabError("the lab's hosts need root's podman: run this as root, or install sudo")
    if os.spawnvp(os.P_WAIT, "sudo", ["sudo", "-v"]):
        raise LabError("sudo refused; the lab's hosts need root's podman")


def containers_conf(lab: Lab) -> Path:
    """Our own settings for podman, so that the user's are neither read nor touched."""
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1048576)
    files = files if files > 0 else 1048576
    manager = "systemd" if Path("/run/systemd/system").is_dir() else "cgroupfs"
    text = f"""[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=32768:32768"]
[engine]
runtime = "{container_runtime()}"
cgroup_manager = "{manager}"
events_logger = "file"
"""
    path = lab.cache / "containers.conf"
    if not path.exists() or path.read_text() != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return path


def podman(lab: Lab, *arguments: str) -> list[str]:
    """The argument list of a podman command."""
    return as_root(["env", f"CONTAINERS_CONF={containers_conf(lab)}", "podman", *arguments])


@contextmanager
def only_one(lab: Lab, seconds: float = 600) -> Iterator[None]:
    """Hold the lab's lock, and clear away what a killed run has left behind."""
    lab.cache.mkdir(parents=True, exist_ok=True)
    with (lab.cache / "lock").open("w") as lock:
        _lock(lock.fileno(), seconds)
        if ended := end_recorded(lab.cache / "running"):
            say(f"ended {ended} program(s) that a killed run had left")
        work = lab.cache / "work"
        remove_tree(work)
        work.mkdir()
        record_in(lab.cache / "running")
        try:
            yield
        finally:
            remove_tree(work)


def _lock(descriptor: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    said = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise LabError(f"another lab command has been at work for {seconds} s") from None
            if not said:
                say("waiting for another lab command to end")
                said = True
            time.sleep(0.2)
        else:
            return


def remove_tree(path: Path) -> None:
    """Remove a folder that may hold files of root's."""
    if path.exists():
        run(as_root(["rm", "-rf", "--one-file-system", str(path)]), timeout=120)


def python_with_pip() -> str:
    """A Python here whose pip can download a wheel."""
    for python in (sys.executable, "/usr/bin/python3"):
        if python and has(python):
            found = run([python, "-m", "pip", "--version"], timeout=60, check=False)
            if found.returncode == 0:
                return python
    install(["python3-pip"])
    return "/usr/bin/python3"
