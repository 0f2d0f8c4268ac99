# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""vLLM on two lab hosts by the playbooks: a real Ray cluster, and a stand-in for vLLM in it.

The build of vLLM for CPUs knows no Ray, so `tests/tools/vllm_on_ray.py` takes its place: it answers
with the nodes that have each done a part of the work.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from tools.lab_hosts import ROOT, Host
from tools.vllm_hosts import HEAD, WORKER, Hosts, through_the_gateway

pytestmark = [pytest.mark.lab, pytest.mark.nightly]

Play = Callable[..., subprocess.CompletedProcess[str]]
KEY, TOKEN = "sk-vllm-9", "a-token-of-the-cluster-0123456789abcdef"
HOME, PORT = "/var/lib/llm", 18300
STAND_IN, VENV = f"{HOME}/vllm_on_ray.py", f"{HOME}/tools/ray"
OWN, ON_HEAD, ON_WORKER = "vllm-large", "vllm-ray-head-large", "vllm-ray-worker-large"
REGISTRY = f"""\
providers:
  large:
    type: vllm
    deploy: {{hosts: [{HEAD}, {WORKER}], distributed: ray, port: {PORT}, gpus: []}}
    env_var: LARGE_KEY
    models: [{{name: large-model, context_length: 2048, source: {{path: {HOME}/large}}}}]
  left: {{type: openai_compatible, base_url: "http://127.0.0.1:9/v1", probe: none, models: [left]}}
"""
WITHOUT = f"rm -rf {VENV} {STAND_IN} && rmdir --ignore-fail-on-non-empty {HOME}/tools || true"


@pytest.fixture(scope="module")
def hosts(the_lab: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Both hosts with a real Ray, and the stand-in."""
    found = Hosts(tmp_path_factory.mktemp("ray"))
    account = {"user_service_user": "llm", "user_service_home": HOME}
    venv = {"name": "Ray", "path": VENV, "packages": ["ray==2.60.0"]}
    wish = {"under_test": "venvs", "under_test_venvs": [venv], **account}
    done = found.play(hosts=f"{HEAD},{WORKER}", **wish)
    assert done[0] == 0, done[2]
    source = (ROOT / "tests/tools/vllm_on_ray.py").read_text()
    for host in (HEAD, WORKER):
        found.shell(host, f"install -o llm /dev/stdin {STAND_IN} <<'E'\n{source}E\n")
    yield found
    for host in (HEAD, WORKER):
        found.shell(host, WITHOUT)


@pytest.fixture(scope="module")
def words(hosts: Hosts, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Words for a playbook that has the cluster."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "registry").mkdir()
    (folder / "registry" / "own.yaml").write_text(REGISTRY)
    given = {
        "llm_registry": str(folder / "registry"),
        "llm_secrets": {"LARGE_KEY": KEY},
        "vllm_binary": f"{VENV}/bin/python",
        "vllm_command": [STAND_IN],
        "vllm_ray_token": TOKEN,
        "vllm_ray_ready_timeout": 240,
    }
    (folder / "vars.json").write_text(json.dumps(given))
    return ["-e", f"@{folder / 'vars.json'}"]


@pytest.fixture(scope="module")
def both(hosts: Hosts, words: list[str], play: Play) -> str:
    """What the whole cluster answers; it is up."""
    done = play("site.yml", *words, "--diff", "-vvv", timeout=1500)
    assert done.returncode == 0, done.stdout[-6000:]
    for secret in (KEY, TOKEN):
        assert secret not in done.stdout + done.stderr
    return " ".join(hosts.lab.addresses[host] for host in (HEAD, WORKER))


def answer(hosts: Hosts) -> str:
    return through_the_gateway(hosts, "large-model", "who")


def answers_within(hosts: Hosts, nodes: str, seconds: float) -> None:
    """It answers with these nodes."""
    end, said = time.monotonic() + seconds, ""
    while said != nodes:
        assert time.monotonic() < end, f"not so after {seconds:g} s, it said: {said}"
        try:
            said = answer(hosts)
        except (OSError, TypeError) as problem:
            said = f"({type(problem).__name__}: {problem})"
        time.sleep(2)  # between two looks, bounded above


def systemctl(host: str, *words: str) -> str:
    return Host(host).on(f"systemctl --user -M llm@ {' '.join(words)}", timeout=200)


def test_two_hosts_are_one_deployment(
    hosts: Hosts, words: list[str], both: str, play: Play
) -> None:
    assert answer(hosts) == both
    assert hosts.ask(HEAD, PORT, "/v1/models") == 401
    again = play("site.yml", *words, timeout=900)
    assert again.returncode == 0, again.stdout
    assert again.stdout.count("nothing to change") == 2, again.stdout
    for host in (HEAD, WORKER):
        assert TOKEN not in hosts.shell(host, "ps axww -o args")


def ray_ports(host: str) -> list[int]:
    """On which ports Ray listens for other hosts."""
    lines = Host(host).on("ss -Hltn").splitlines()
    listening = {line.split()[3].rpartition(":") for line in lines}
    return sorted(
        int(port)
        for address, _, port in listening
        if PORT < int(port) < PORT + 200 and not address.startswith(("127.", "[::1]"))
    )


CALLS = ("NodeInfoGcsService/GetAllNodeInfo", "NodeManagerService/RequestWorkerLease",
         "ObjectManagerService/Pull", "CoreWorkerService/PushTask")  # fmt: skip


REFUSED = ("grpc-status: 16", " 401 Unauthorized", " 403 Forbidden")
HUNG_UP = (1, 16, 52, 56, 92)  # exit statuses of curl


def called(address: str, port: int, call: str, *more: str) -> str:
    """What a port says to one who knows Ray's protocol, or HTTP where that is all it speaks."""
    url = f"http://{address}:{port}/ray.rpc.{call}"
    own = ["-H", "content-type: application/grpc", "-H", "te: trailers", *more]
    curl = ["curl", "--silent", "--include", "--max-time", "10", "--noproxy", "*"]
    grpc = [*curl, "--http2-prior-knowledge", *own, "--data-binary", "@-", url]
    # A message of gRPC without content.
    done = subprocess.run(grpc, input=b"\0" * 5, capture_output=True, check=False)
    if b"grpc-status" not in done.stdout:
        plain = [*curl, *more, "--data-binary", "x", f"http://{address}:{port}/"]
        done = subprocess.run(plain, capture_output=True, check=False)
    said = done.stdout.decode(errors="replace")
    return said or ("hung up" if done.returncode in HUNG_UP else f"curl ended {done.returncode}")


def test_a_stranger_without_the_token_is_refused_on_each_port(hosts: Hosts, both: str) -> None:
    wrong = ("-H", "authorization: Bearer another-token")
    for host in (HEAD, WORKER):
        ports = ray_ports(host)
        assert len(ports) >= 4, ports
        for port in ports:
            said = [
                called(hosts.lab.addresses[host], port, c, *w) for c in CALLS for w in ((), wrong)
            ]
            # Who does not have that service says so, or hangs up.
            mine = [one for one in said if one != "hung up" and "grpc-status: 12" not in one]
            assert mine, f"{host}:{port} refuses nothing: {said}"
            for one in mine:
                assert any(word in one for word in REFUSED), f"{host}:{port}: {one}"


def test_a_client_of_ray_on_another_host_is_refused(hosts: Hosts, both: str) -> None:
    address = f"{hosts.lab.addresses[HEAD]}:{PORT + 1}"
    code = f"import ray; ray.init(address='{address}', log_to_driver=False); print('is in')"
    for more in ("", "RAY_AUTH_MODE=token RAY_AUTH_TOKEN=another-token"):
        command = f'{more} timeout 120 {VENV}/bin/python -c "{code}" 2>&1; true'
        said = Host(WORKER).on(f"env -i HOME=/tmp/stranger {command}", timeout=150)
        assert "is in" not in said
        assert re.search("(?i)authenticat|token", said), said
    Host(WORKER).on("rm -rf /tmp/stranger /tmp/ray")
    assert answer(hosts) == both


def test_the_firewall_of_the_page_lets_the_nodes_alone_through(hosts: Hosts, both: str) -> None:
    page = (ROOT / "docs/vllm.md").read_text()
    rules = re.search(r"^```nft\n(.*?)^```$", page, re.M | re.S)[1]
    rules = rules.replace("8001-8199", f"{PORT + 1}-{PORT + 199}")
    rules = rules.replace("10.0.0.2, 10.0.0.3", both.replace(" ", ", "))
    nft = "command -v nft || { apt-get update -qq; apt-get install -qq -y nftables; }"
    for host in map(Host, (HEAD, WORKER)):
        host.on(nft, timeout=300)
        inside = ("exec", "--privileged", "--interactive", host.lab.container(host.name))
        host.podman(*inside, "nft", "-f", "-", data=rules)
    try:
        for host in (HEAD, WORKER):
            for port in ray_ports(host):
                with pytest.raises(TimeoutError):
                    socket.create_connection((hosts.lab.addresses[host], port), 1)
        assert answer(hosts) == both
    finally:
        for host in map(Host, (HEAD, WORKER)):
            inside = ("exec", "--privileged", host.lab.container(host.name))
            host.podman(*inside, "nft", "delete", "table", "inet", "ray_large")


def test_it_stops_and_starts_in_order(hosts: Hosts, both: str) -> None:
    systemctl(HEAD, "stop", ON_HEAD)
    states = systemctl(HEAD, "show", "-p", "InactiveEnterTimestampMonotonic", OWN, ON_HEAD)
    own, ray = (int(one) for one in re.findall(r"=(\d+)", states))
    assert 0 < own < ray, "vLLM ends before what it stands on"
    systemctl(HEAD, "--no-block", "start", OWN)
    answers_within(hosts, both, 400)
    states = systemctl(HEAD, "show", "-p", "ActiveEnterTimestampMonotonic", OWN, ON_HEAD)
    own, ray = (int(one) for one in re.findall(r"=(\d+)", states))
    assert 0 < ray < own


def test_a_killed_worker_comes_back(hosts: Hosts, both: str) -> None:
    systemctl(WORKER, "kill", "--signal=KILL", ON_WORKER)
    answers_within(hosts, both, 500)


def test_a_host_without_power_is_told_and_comes_back(
    hosts: Hosts, words: list[str], both: str, play: Play
) -> None:
    Host(WORKER).kill()
    try:
        told = play("diagnose.yml", *words, "-e", "provider=large", "-e", "format=json")
        assert WORKER in told.stdout, told.stdout
        # Ray itself takes half a minute to miss it.
        answers_within(hosts, hosts.lab.addresses[HEAD], 180)
        # Another bound makes other units, which then wait for all nodes.
        done = play("site.yml", *words, "-e", "vllm_ray_ready_timeout=20", timeout=900)
        assert done.returncode != 0, done.stdout
        missing = f"{hosts.lab.addresses[WORKER]} is missing: look at vllm-ray-worker there"
        assert missing in done.stdout, done.stdout[-4000:]
    finally:
        Host(WORKER).start()
    answers_within(hosts, both, 500)


def test_it_goes_without_a_trace(hosts: Hosts, words: list[str], both: str, play: Play) -> None:
    done = play("remove_provider.yml", *words, "-e", "provider=large", timeout=900)
    assert done.returncode == 0, done.stdout
    for host in (HEAD, WORKER):
        left = hosts.shell(host, f"find {HOME}/.config {HOME}/.cache/ray -name '*large*' "
                                 f"-o -name {PORT} | cat")  # fmt: skip
        assert left == "", left
        running = hosts.shell(host, "ps axww -o args")
        assert not re.search("ray::|gcs_server|raylet|vllm_on_ray", running), running
        assert ray_ports(host) == []
    assert hosts.ask("gateway1", 4000, "/health/liveliness") == "I'm alive!"
    assert "large" not in Host("gateway1").on(f"cat {HOME}/gateway/current/config.yaml")
