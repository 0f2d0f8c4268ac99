# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""plan.yml and drift.yml: what they say of a lab that is as declared, and of one that is not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.lab_hosts import Host, the_lab, wait_for

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
Play = Callable[..., subprocess.CompletedProcess[str]]
LAB = the_lab()
BASE, HOME = "/var/lib/llm/gateway", "/var/lib/llm"
AS_LLM = "runuser -u llm -- env XDG_RUNTIME_DIR=/run/user/$(id -u llm)"
UNITS = f"{HOME}/.config/systemd/user"
NO_CHANGE = "plan: no change: what serves is what the registry declares."
NO_DRIFT = "drift: no drift: all is as it was deployed"


@pytest.fixture(scope="module")
def registry(the_lab: object, play: Play, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's registry and what the demo adds, live."""
    folder = tmp_path_factory.mktemp("registry")
    for part in ("registry/smollm.yaml", "add/assistant.yaml"):
        text = (ROOT / "inventories/demo" / part).read_text()
        (folder / Path(part).name).write_text(text.replace("10.89.7.5", LAB.mirror))
    done = play("site.yml", "-e", f"llm_registry={folder}", timeout=900)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture
def changed(registry: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(registry, tmp_path / "registry"))


def plan(play: Play, registry: Path, *words: str, **env: str) -> dict[str, Any]:
    done = play("plan.yml", "-e", f"llm_registry={registry}", "-e", "format=json", *words, env=env)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout) | {"rc": done.returncode}


def drift(play: Play, *words: str) -> dict[str, Any]:
    done = play("drift.yml", "-e", "format=json", *words)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout) | {"rc": done.returncode}


def texts(told: dict[str, Any]) -> list[str]:
    return [item["text"] for group in told["groups"] for item in group["items"]]


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_after_a_run_there_is_no_change_and_no_drift(registry: Path, play: Play) -> None:
    done = play("plan.yml", "-e", f"llm_registry={registry}", "-e", "exit_code=true")
    assert done.returncode == 0, done.stdout
    assert NO_CHANGE in done.stdout
    done = play("drift.yml", "-e", "exit_code=true")
    assert done.returncode == 0, done.stdout
    assert NO_DRIFT in done.stdout
    check = play("site.yml", "-e", f"llm_registry={registry}", "--check")
    assert "changed" not in check.stdout  # which says the same


def test_each_change_of_the_registry_is_a_sentence(changed: Path, play: Play) -> None:
    rewrite(changed / "smollm.yaml", "ctx_size: 2048", "ctx_size: 1024")
    rewrite(changed / "assistant.yaml", "    fallback: smollm\n", "")
    (changed / "more.yaml").write_text(
        "providers:\n"
        "  pal: {type: openai_compatible, base_url: 'http://10.1.2.3/v1', models: [m],"
        " env_var: PAL_KEY}\n"
        "exact_matches: {chat: {provider: pal, backend_model: m, fallback: smollm}}\n"
        "rate_limit_settings: {limits: {smollm: {rpm: 1000}}}\n"
    )
    told = plan(play, changed, "-e", "exit_code=true", PAL_KEY="a-key-that-nobody-may-see")
    assert (told["rc"], told["ok"], told["secrets"]["missing"]) == (2, True, [])
    said = texts(told)
    for sentence in (
        "provider pal is new: 1 deployment, called m",
        "chat is new: answered by m at pal, with smollm2-135m at smollm as the fallback",
        "assistant: the fallback to smollm2-135m at smollm is gone",
        "limit of smollm: none -> 1000 requests a minute",
        "the variable PAL_KEY is needed now",
        "health check of pal at http://10.1.2.3/v1/models",
        "llama-server-smollm.service: ctx-size 2048 -> 1024; it restarts",
    ):
        assert sentence in said
    assert "a-key-that-nobody-may-see" not in json.dumps(told)
    told = plan(play, changed)
    assert (told["rc"], told["secrets"]["missing"]) == (0, ["PAL_KEY"])
    check = play("site.yml", "-e", f"llm_registry={changed}", "--check", env={"PAL_KEY": "x"})
    assert re.findall(r"changed +(\w+)", check.stdout) == ["backend1", "gateway1"]


@pytest.mark.nightly
def test_what_a_file_would_add_is_planned_without_it(
    registry: Path, changed: Path, play: Play
) -> None:
    (changed / "assistant.yaml").unlink()
    file = registry / "assistant.yaml"
    told = plan(play, changed, "-e", f"file={file}")
    assert (told["changes"], told["file"]) == (0, str(file))
    told = plan(play, changed)
    assert "provider smollm_spare is gone: 1 deployment, called smollm2-spare" in texts(told)
    assert told["notes"] == [
        "llama-server-smollm_spare.service on backend2 is ours and declared no more. It stays: "
        "remove_provider.yml takes an instance away, and so does llama_cpp_leftovers: remove."
    ]


@pytest.mark.nightly
def test_a_host_that_is_not_reached_is_told_and_the_rest_is_planned(
    registry: Path, play: Play
) -> None:
    told = plan(play, registry, "-e", "ansible_host=127.0.0.1", "-e", "ansible_port=9")
    assert (told["rc"], told["ok"]) == (2, False)
    assert sorted(told["not_seen"]) == ["backend1", "backend2", "gateway1"]


@pytest.fixture
def put_right(registry: Path, play: Play) -> Iterator[None]:
    """Whatever a test does to the hosts, site.yml brings it back, or the test has."""
    yield
    done = play("site.yml", "-e", f"llm_registry={registry}", timeout=900)
    assert done.returncode == 0, done.stdout
    assert drift(play)["drift"] == 0


def findings(told: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {f"{one['host']} {one['kind']} {one['subject']}": one for one in told["findings"]}


def llama(verb: str, host: str, name: str) -> None:
    Host(host).on(f"{AS_LLM} systemctl --user {verb} {name}")


@pytest.mark.nightly
def test_what_was_done_to_the_hosts_is_named(registry: Path, play: Play, put_right: None) -> None:
    gateway, one, two = Host("gateway1"), Host("backend1"), Host("backend2")
    current = gateway.on(f"readlink -f {BASE}/current")
    extra = (
        "- model_name: extra\\n  litellm_params: {model: openai/x, api_base: http://127.0.0.1:9/v1,"
        " api_key: none}\\n  model_info: {id: extra, mode: chat}\\n"
    )
    gateway.on(f"sed -i 's|^model_list:|model_list:\\n{extra}|' {current}/config.yaml")
    gateway.on(
        f"echo '# mine' >>{UNITS}/litellm.socket; sed -i s/NoDelay=yes/NoDelay=no/ "
        f"{UNITS}/litellm.socket; chmod 0644 {BASE}/secrets.env"
    )
    llama("stop", "backend1", "llama-server-smollm.service")
    llama("disable", "backend1", "llama-server-smollm.service")
    two.on(f"rm {UNITS}/llama-server-smollm_spare.service")
    one.on(
        f"d={UNITS}/llama-server-smollm.service.d; mkdir -p $d; printf '[Service]\\nNice=1\\n'"
        f" >$d/mine.conf; chown -R llm: $d; {AS_LLM} systemctl --user daemon-reload"
    )
    told = drift(play, "-e", "exit_code=true")
    found = findings(told)
    assert told["rc"] == 2
    for what, said in {
        "gateway1 file config.yaml": "was changed after it was deployed",
        "gateway1 unit litellm.socket": "NoDelay=yes -> NoDelay=no",
        f"gateway1 mode {BASE}/secrets.env": "has the mode 0644",
        "backend1 state llama-server-smollm.service": "does not run: it is inactive",
        "backend1 boot llama-server-smollm.service": "does not start at boot any more",
        "backend2 gone llama-server-smollm_spare.service": "is gone",
    }.items():
        assert said in found[what]["text"], found
        assert found[what]["fix"]
    assert any("llama-server-smollm.service.d/mine.conf" in note for note in told["notes"])
    assert not [what for what in found if " backend " in what]  # told with the units

    # What was edited is not what runs, until somebody restarts it: then it is.
    assert not [what for what in found if " name " in what]
    gateway.on(f"{AS_LLM} systemctl --user restart litellm.service")
    wait_for(lambda: " name extra" in str(list(findings(drift(play)))), 90, "it is loaded")

    said = texts(plan(play, registry))
    assert any("was changed on the host: it is written anew" in text for text in said)
    assert "unit litellm.socket was changed on the host: it is put back" in said
    assert "llama-server-smollm_spare.service is new: smollm2-spare on port 8080" in said

    gateway.on(f"chmod 0600 {BASE}/secrets.env")  # as its finding says
    one.on(f"rm -r {UNITS}/llama-server-smollm.service.d")


@pytest.mark.nightly
def test_a_backend_with_another_model_is_named(registry: Path, play: Play, put_right: None) -> None:
    unit = f"{UNITS}/llama-server-smollm.service"
    Host("backend1").on(
        f"sed -i 's/--alias smollm2-135m/--alias another/' {unit}; {AS_LLM} systemctl --user"
        f" daemon-reload; {AS_LLM} systemctl --user restart llama-server-smollm.service"
    )
    wait_for(lambda: "does not have smollm2-135m any more" in str(drift(play)), 60, "it answers")
    found = findings(drift(play))
    assert found["backend1 unit llama-server-smollm.service"]["text"] == (
        "unit llama-server-smollm.service was changed: alias smollm2-135m -> another"
    )


@pytest.mark.nightly
def test_the_programs_and_a_secret_are_looked_at(
    registry: Path, play: Play, put_right: None
) -> None:
    gateway = Host("gateway1")
    gateway.on(f"f=$(ls {BASE}/program/lab_llm/gateway/cli.py); echo '# mine' >>$f")
    key = "LITELLM_MASTER_KEY"
    before = gateway.on(f"cat {BASE}/secrets.env")
    gateway.on(f"sed -i 's/{key}=\"sk-/{key}=\"sk-x/' {BASE}/secrets.env")
    found = findings(drift(play))
    assert "its files are not those of its version" in found["gateway1 program program"]["text"]
    assert (
        "a value is not the one that was deployed" in found["gateway1 secret secrets.env"]["text"]
    )
    gateway.write(f"{BASE}/secrets.env", f"{before}\n")
