# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Artefacts on a lab host: what breaks off, what has no room, what comes from a bundle."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tools.lab_hosts import Host, ansible_environment, the_lab, without
from tools.mirror import Mirror, sha
from tools.mirror import mirror as served
from tools.vllm_hosts import lock

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

ROOT = Path(__file__).resolve().parents[2]
LAB = the_lab()
HERE = str(next(ipaddress.ip_network(LAB.subnet).hosts()))  # this machine, as its hosts see it
PLACE = "/var/lib/llm-artifacts"
COMMIT = "0f" * 20
Play = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with served(HERE) as state:
        yield state


@pytest.fixture
def host(the_lab: object) -> Iterator[Host]:
    """A host with an empty folder of an unprivileged user."""
    host = Host("backend2")
    host.on(f"mkdir -p {PLACE} && chown admin {PLACE}")
    yield host
    if host.succeeds(f"mountpoint -q {PLACE}/small"):
        inside(host, "--mount", "umount", f"{PLACE}/small")
    host.on(f"rm -rf {PLACE}")


def bring(host: Host, *artifacts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return module(host, "artifact", {"user": "admin", "artifacts": artifacts, **more})


def module(host: Host, name: str, options: dict[str, Any]) -> dict[str, Any]:
    """What the module says, run by Ansible as a role does it."""
    argv = ["ansible", host.name, "--become", "-m", f"lab.llm.{name}", "-a", json.dumps(options)]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT,
        env=ansible_environment(ANSIBLE_STDOUT_CALLBACK="ansible.builtin.minimal", NO_COLOR="1"),
    )  # fmt: skip
    return dict(json.loads(done.stdout.partition(" => ")[2]))


def inside(host: Host, space: str, *argv: str) -> None:
    """Run by this machine in a name space of the host, which may not do it itself."""
    process = host.podman("inspect", "-f", "{{.State.Pid}}", LAB.container(host.name))
    subprocess.run(["nsenter", "-t", process, space, *argv], check=True, capture_output=True)


def test_the_next_run_on_a_host_goes_on_where_the_last_broke_off(
    host: Host, mirror: Mirror
) -> None:
    data = os.urandom(3_000_000)
    url, dest = mirror.url("m.gguf", data), f"{PLACE}/m.gguf"
    wish = {"name": "model m", "url": url, "sha256": sha(data), "dest": dest}
    host.on(f"echo earlier >{dest}")
    mirror.troubles = ["cut", "503", "503"]
    broken = bring(host, wish)
    assert broken["msg"].startswith(f"model m: {url} answers 503")
    assert "1.5 MB are kept: the next run goes on from there" in broken["msg"]
    assert host.on(f"cat {dest}") == "earlier"
    assert bring(host, wish)["changed"]
    assert mirror.ranges_asked[-1] == "bytes=1500000-"
    assert mirror.sent == len(data)
    assert not bring(host, wish)["changed"]


def test_what_has_no_room_is_not_begun(host: Host, mirror: Mirror) -> None:
    host.on(f"mkdir {PLACE}/small")
    inside(host, "--mount", "mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", f"{PLACE}/small")
    host.on(f"chown admin {PLACE}/small && echo earlier >{PLACE}/small/a.gguf")
    data = os.urandom(3_000_000)
    wishes = [
        {"name": n, "url": mirror.url(n, data), "sha256": sha(data), "dest": f"{PLACE}/small/{n}"}
        for n in ("a.gguf", "b.gguf")
    ]
    refused = bring(host, *wishes)
    assert refused["msg"] == (
        f"no space in {PLACE}/small: 6 MB are needed, 5 MB are free (a.gguf 3 MB, b.gguf 3 MB). "
        "Free some room; nothing was fetched"
    )
    assert mirror.asked == []
    assert host.on(f"cat {PLACE}/small/a.gguf") == "earlier"


def test_what_a_host_lacks_comes_from_the_bundle_and_nothing_else(
    host: Host, mirror: Mirror, tmp_path: Path
) -> None:
    """A user's own folder that nobody else may read, on the controller; no server any more."""
    data = os.urandom(2_000_000)
    mirror.repository("org/name", COMMIT, {"config.json": b"{}", "w.safetensors": data})
    file = {"name": "m", "url": mirror.url("m.gguf", data), "sha256": sha(data)}
    folder = {"name": "r", "huggingface": "org/name", "revision": COMMIT}
    wishes = [{**file, "dest": f"{PLACE}/m.gguf"}, {**folder, "dest": f"{PLACE}/r"}]
    options = {
        "path": str(tmp_path / "b"),
        "needs": [{"artifacts": wishes}],
        "huggingface_endpoint": mirror.url(),
    }
    argv = ["ansible", "localhost", "-m", "lab.llm.bundle", "-a", json.dumps(options)]
    subprocess.run(argv, capture_output=True, check=True, cwd=ROOT, env=ansible_environment())
    mirror.files.clear()
    before = len(mirror.asked)
    bundle = {"bundle": options["path"], "huggingface_endpoint": mirror.url()}
    done = bring(host, *wishes, **bundle)
    assert [one["changed"] for one in done["artifacts"]] == [True, True]
    assert sha(data) in host.on(f"sha256sum {PLACE}/m.gguf {PLACE}/r/w.safetensors | tail -1")
    assert host.on(f"stat -c %U {PLACE}/m.gguf") == "admin"
    assert not bring(host, *wishes, **bundle)["changed"]
    # What was copied on the way is gone; a second run sends nothing.
    assert host.on("find /home/admin/.ansible/tmp -name 'copy*'") == ""
    host.on(f"rm {PLACE}/m.gguf")
    assert bring(host, *wishes, **bundle)["changed"]
    other = {"name": "other", "url": mirror.url("o"), "sha256": "ab" * 32, "dest": f"{PLACE}/o"}
    lacking = bring(host, *wishes, other, **bundle)
    assert lacking["msg"].startswith("the bundle lacks other: make it anew with bundle.yml")
    assert len(mirror.asked) == before


def test_a_venv_comes_from_the_bundle_and_no_index(host: Host, tmp_path: Path) -> None:
    role = yaml.safe_load((ROOT / "roles/vllm/vars/main.yml").read_text())
    texts = {"tools": lock(tmp_path, "six==1.17.0", "idna==3.10"), "uv": role["vllm__uv"]}
    needs = [{"locks": [{"name": name, "text": text} for name, text in texts.items()]}]
    options = {"path": str(tmp_path / "b"), "needs": needs, "pythons": ["3.11"]}
    argv = ["ansible", "localhost", "-m", "lab.llm.bundle", "-a", json.dumps(options)]
    subprocess.run(argv, capture_output=True, check=True, cwd=ROOT, env=ansible_environment())
    venv = {"name": "tools", "path": f"{PLACE}/tools/1", "requirements": texts["tools"]}
    wish = {"user": "admin", "venvs": [{**venv, "uv": texts["uv"]}], "bundle": options["path"]}
    with Cut([host]):
        made = module(host, "venv", wish)
        assert made["changed"], made
        asked = f"{PLACE}/tools/1/bin/python -c 'import six, idna; print(six.__version__)'"
        assert host.on(asked) == "1.17.0"
        assert not module(host, "venv", wish)["changed"]
        # What broke is mended from there, too.
        host.on(f"rm {PLACE}/tools/1/lib/python3*/site-packages/six.py")
        assert module(host, "venv", wish)["changed"]
        assert host.on(asked) == "1.17.0"
        other = lock(tmp_path, "six==1.16.0")
        fresh = {**venv, "path": f"{PLACE}/tools/2", "requirements": other, "uv": texts["uv"]}
        lacking = module(host, "venv", {**wish, "venvs": [fresh]})
        assert "you require six==1.16.0" in lacking["msg"], lacking["msg"]
    assert host.on(f"ls {PLACE}/tools") == "1"


REGISTRY = """\
providers:
  bundled:
    type: llama_cpp
    deploy: {{hosts: backend1, port: 18190, options: {{ctx_size: 2048, threads: 1}}}}
    models: [{{name: smollm2-bundled, source: {{url: "{url}", sha256: {sha256}}}}}]
"""
USER = "llmbundle"


@pytest.fixture
def fresh(the_lab: object) -> Iterator[list[Host]]:
    """Hosts on which the service user is not there yet."""
    hosts = [Host("gateway1"), Host("backend1")]
    for host in hosts:
        host.on(without(USER))
    yield hosts
    for host in hosts:
        host.on(without(USER))


class Cut:
    """The hosts' network, but for this machine, taken away for a while."""

    def __init__(self, hosts: list[Host]) -> None:
        self.hosts = hosts

    def route(self, host: Host, *words: str) -> None:
        inside(host, "--net", "ip", "route", *words)

    def __enter__(self) -> Cut:
        for host in self.hosts:
            self.route(host, "del", "default")
            self.route(host, "add", "blackhole", LAB.mirror)
        return self

    def __exit__(self, *_: object) -> None:
        for host in self.hosts:
            self.route(host, "del", "blackhole", LAB.mirror)
            self.route(host, "add", "default", "via", HERE)


def test_the_whole_lab_comes_up_from_a_bundle_without_a_network(
    fresh: list[Host], play: Play, tmp_path: Path
) -> None:
    registry, bundle = tmp_path / "registry", tmp_path / "bundle"
    registry.mkdir()
    model = {
        "url": f"http://{LAB.mirror}/models/SmolLM2-135M-Instruct.Q4_1.gguf",
        "sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    }
    (registry / "own.yaml").write_text(REGISTRY.format(url=model["url"], sha256=model["sha256"]))
    own = ["-e", f"llm_registry={registry}", "-e", f"user_service_user={USER}"]
    own += ["-e", "gateway_port=14190"]
    pythons = json.dumps({"llm_bundle_pythons": ["3.11"]})
    made = play("bundle.yml", *own, "-e", f"bundle={bundle}", "-e", pythons, timeout=900)
    assert made.returncode == 0, made.stdout
    second = play("bundle.yml", *own, "-e", f"bundle={bundle}", "-e", pythons)
    assert "0 were fetched" in second.stdout
    told = json.loads((bundle / "manifest.json").read_text())["artifacts"]
    assert all(one["origin"] and one["size"] and one["sha256"] for one in told)
    with Cut(fresh):
        for host in fresh:
            assert not host.succeeds(
                f"python3 -c 'import socket as s; s.create_connection((\"{LAB.mirror}\", 80), 3)'"
            )
        done = play("site.yml", *own, "-e", f"llm_bundle={bundle}", timeout=1800)
        assert done.returncode == 0, done.stdout + done.stderr
        again = play("site.yml", *own, "-e", f"llm_bundle={bundle}", timeout=600)
        assert "changed" not in again.stdout, again.stdout
        _one_more_comes_from_the_bundle(play, own, tmp_path, bundle, model)
    _what_nobody_uses_goes_and_nothing_else(play, own, fresh[1])


MORE = """\
providers:
  {name}:
    type: llama_cpp
    deploy: {{hosts: backend1, port: {port}, options: {{ctx_size: 2048, threads: 1}}}}
    models: [{{name: {name}-model, source: {{url: "{url}", sha256: {sha256}}}}}]
"""
SECOND = "second-model-b179c9523d0e.gguf"


def _one_more_comes_from_the_bundle(
    play: Play, own: list[str], folder: Path, bundle: Path, model: dict[str, str]
) -> None:
    """Another provider is added; one whose model the bundle has not is refused with its name."""
    known = {"name": "second", "port": 18191, "url": model["url"], "sha256": model["sha256"]}
    for name, text in (
        ("second", MORE.format(**known)),
        ("third", MORE.format(**known | {"name": "third", "port": 18192, "sha256": "ab" * 32})),
    ):
        (folder / f"{name}.yaml").write_text(text)
    words = [*own, "-e", f"llm_bundle={bundle}", "-e"]
    added = play("add_provider.yml", *words, f"file={folder / 'second.yaml'}", timeout=600)
    assert added.returncode == 0, added.stdout
    lacking = play("add_provider.yml", *words, f"file={folder / 'third.yaml'}", timeout=600)
    assert lacking.returncode != 0
    assert "the bundle lacks model third-model" in lacking.stdout, lacking.stdout
    assert not (folder / "registry" / "third.yaml").exists()


def _what_nobody_uses_goes_and_nothing_else(play: Play, own: list[str], host: Host) -> None:
    first, folder = "smollm2-bundled-b179c9523d0e.gguf", f"/var/lib/{USER}/models"
    remove = [*own, "-e", "remove=unreferenced"]
    listed = play("models.yml", *remove)
    assert f"{first}  used by bundled" in listed.stdout, listed.stdout
    assert f"{SECOND}  used by second" in listed.stdout
    assert host.on(f"ls {folder}").split() == [SECOND, first], "both are referenced"
    gone = play("remove_provider.yml", *own, "-e", "provider=second", timeout=600)
    assert gone.returncode == 0, gone.stdout
    assert f"{SECOND}  nobody uses it" in play("models.yml", *own).stdout
    assert play("models.yml", *remove, "--check", "--diff").returncode == 0
    assert SECOND in host.on(f"ls {folder}"), "in check mode nothing goes"
    removed = play("models.yml", *remove)
    assert removed.returncode == 0, removed.stdout
    assert host.on(f"ls {folder}").split() == [first]
    again = play("models.yml", *remove)
    assert (again.returncode, "nobody uses it" in again.stdout) == (0, False), again.stdout
    asked = "python3 -c \"import urllib.request as u; print(u.urlopen('{}').status)\""
    assert host.on(asked.format(f"http://{host.address}:18190/health")) == "200"
