# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From service specs to vLLM's venvs, models, configurations and units of one host."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.engines import vllm, vllm_keys, vllm_ray
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.files import unneeded
from ansible_collections.lab.llm.plugins.module_utils.engines.needs import needs
from ansible_collections.lab.llm.plugins.module_utils.host import diagnosis, units
from ansible_collections.lab.llm.plugins.module_utils.registry.schema_files import document

LOCK = "torch==2.13.0 \\\n    --hash=sha256:00\nvllm==0.32.0 \\\n    --hash=sha256:11\n"
SETTINGS: dict[str, Any] = {
    "home": "/var/lib/llm",
    "version": "",
    "requirements": LOCK,
    "releases": {},
    "packages": [],
    "torch_backend": "auto",
    "python": "/usr/bin/python3",
    "uv": "uv==0.13.8 --hash=sha256:22\n",
    "uv_environment": {},
    "binary": "",
    "command": ["-m", "vllm.entrypoints.cli.main", "serve"],
    "environment": {},
    "ray_version": "2.60.0",
    "ray_token": "t-secret",
    "ray_ready_timeout": 300,
    "sandbox": True,
    "ready_timeout": 1800,
    "secrets_name": "vllm_secrets",
}
PAGE = (Path(__file__).parents[2] / "docs" / "vllm.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(providers:.*?)^```$", PAGE, flags=re.M | re.S)
PLACE = "/var/lib/llm/vllm/0.32.0-"
NODES = ["10.0.0.1", "10.0.0.2"]


def spec(**changes: Any) -> dict[str, Any]:
    model = {
        "name": changes.pop("model", "org/small"),
        "source": changes.pop("source", {"path": "/srv/models/small"}),
        "context_length": changes.pop("context_length", None),
    }
    return {
        "provider": "gpu",
        "engine": "vllm",
        "host": "h1",
        "address": "10.0.0.1",
        "bind": "10.0.0.1",
        "port": 8000,
        "version": None,
        "unit": units.unit_name("vllm-", changes.get("provider", "gpu")),
        "models": [model],
        "options": {},
        "environment": {},
        "limits": {},
        "gpus": None,
        "key_variable": None,
        "health_url": "http://10.0.0.1:8000/health",
        **changes,
    }


def node(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A spec of one of two hosts; the first is the head."""
    part = "worker" if number else "head"
    unit = f"vllm-ray-{part}-gpu.service"
    ray = {"is_head": not number, "head": NODES[0], "address": NODES[number], "nodes": NODES}
    own = {"unit": unit} if number else {}
    return spec(ray={**ray, "unit": unit}, bind=NODES[number], **own, **changes)


def plan(*specs: dict[str, Any], secrets: dict[str, str] | None = None, **settings: Any):
    return vllm.host_plan(specs, {**SETTINGS, **settings}, secrets or {})


def written(unit: dict[str, Any]) -> dict[str, Any]:
    return yaml.safe_load(unit["files"]["yaml"])


def service(unit: dict[str, Any]) -> dict[str, Any]:
    return unit["sections"]["Service"]


def test_one_instance() -> None:
    made = plan(spec(context_length=4096, gpus=[1], options={"max_num_seqs": 8}))
    (venv,) = made["venvs"]
    assert venv["path"].startswith(PLACE)
    assert venv["requirements"] == LOCK
    (unit,) = made["units"]
    file = "/var/lib/llm/.config/lab-llm/vllm-gpu.service.yaml"
    words = ["-m", "vllm.entrypoints.cli.main", "serve", "--config", file]
    assert service(unit)["ExecStart"] == [f"{venv['path']}/bin/python", *words]
    assert written(unit) == {
        "model": "/srv/models/small",
        "served-model-name": ["org/small"],
        "host": "10.0.0.1",
        "port": 8000,
        "max-model-len": 4096,
        "max-num-seqs": 8,
    }
    environment = service(unit)["Environment"]
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"
    assert environment["HF_HUB_OFFLINE"] == environment["VLLM_NO_USAGE_STATS"] == "1"
    assert (service(unit)["TimeoutStartSec"], service(unit)["TimeoutStopSec"]) == ("1800s", "120s")
    assert [probe["url"].rpartition(":8000")[2] for probe in unit["ready"]] == [
        "/health",
        "/v1/models",
    ]
    assert {file, f"{venv['path']}/.lab-llm-installed"} < set(unit["watch"])
    assert units.render(unit["sections"])


# An option as it stands in the registry, and as vLLM's configuration has it.
OPTIONS = [
    ("enforce_eager", True, "enforce-eager: true"),
    ("enable_prefix_caching", False, "enable-prefix-caching: false"),
    ("gpu_memory_utilization", 0.85, "gpu-memory-utilization: 0.85"),
    ("lora_modules", ["a=/l/a", "b=/l/b"], 'lora-modules: ["a=/l/a", "b=/l/b"]'),
    ("speculative_config", {"method": "ngram"}, 'speculative-config: {"method": "ngram"}'),
    ("chat_template", "/t/x #1: y", 'chat-template: "/t/x #1: y"'),
    ("max_model_len", 100, "max-model-len: 100"),
]


@pytest.mark.parametrize(("key", "value", "line"), OPTIONS)
def test_an_option_is_a_line_of_the_configuration(key: str, value: Any, line: str) -> None:
    unit = plan(spec(options={key: value}, context_length=4096))["units"][0]
    assert line in unit["files"]["yaml"].splitlines()
    assert written(unit)[key.replace("_", "-")] == value


def test_a_key_goes_into_the_secrets_and_nowhere_else() -> None:
    made = plan(spec(key_variable="GPU_KEY"), secrets={"GPU_KEY": "sk-secret"})
    unit = made["units"][0]
    assert unit.pop("secrets") == {"VLLM_API_KEY": "sk-secret"}
    assert unit["ready"][1]["key_variable"] == "VLLM_API_KEY"
    assert "sk-secret" not in str(made)


def test_two_keys_are_given_to_it_and_no_log_line_shows_them(tmp_path: Path) -> None:
    """Nor does a line that cannot be written end it."""
    program = tmp_path / "serve.py"
    program.write_text(
        "import logging, sys\nlogging.warning('%(x)s', {'y': 1})\n"
        "logging.warning('keys %s', sys.argv[1:])\nprint(len(sys.argv))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", vllm_keys.LAUNCH, str(program)],
        env={"VLLM_API_KEY": "sk-old,sk-new"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "4\n"
    assert "keys ['--api-key', '***', '***']" in done.stderr
    assert "sk-" not in done.stderr


@pytest.mark.parametrize(
    ("command", "both"),
    [
        (["-m", "vllm.entrypoints.cli.main", "serve"], True),
        (["/opt/serve.py"], True),
        (["-X", "dev", "-m", "vllm.entrypoints.cli.main"], False),  # its words are not ours to tell
    ],
)
def test_while_a_key_is_rotated_it_takes_both(command: list[str], both: bool) -> None:
    keyed, known = spec(key_variable="GPU_KEY"), {"GPU_KEY": "sk-secret"}
    (unit,) = plan(keyed, secrets=known, keep_keys=True, command=command)["units"]
    assert unit["beside"] == (["VLLM_API_KEY"] if both else [])
    started = service(unit)["ExecStart"]
    assert started[1:3] == (["-c", vllm_keys.LAUNCH] if both else command[:2])
    assert started[-len(command) - 2 : -2] == command
    assert units.render(unit["sections"])
    (after,) = plan(keyed, secrets=known, keep_keys=False, command=command)["units"]
    assert (after["beside"], service(after)["ExecStart"][1:-2]) == ([], command)


# A program as vLLM is one: its words, its variable, what it writes into its journal.
PROGRAM = """\
import logging, os, sys
from pathlib import Path
logging.basicConfig(format="%(message)s", level="INFO", stream=sys.stdout)
logging.info("non-default args: %s", {"api_key": sys.argv[-2:]})
logging.info("100%% of %s", "it")
print(sys.argv[1:] == ["serve", "--config", "f", "--api-key", "new", 'o"l,d'])
print(os.environ["VLLM_API_KEY"], __name__, "new" in Path("/proc/self/cmdline").read_text())
"""


@pytest.mark.parametrize("words", [["-m", "program"], ["program.py"]])
def test_two_keys_reach_vllm_and_nobody_else(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    argv = vllm_keys.with_several([sys.executable, *words, "serve", "--config", "f"])
    row = 'new,"o""l,d"'
    environment = {**os.environ, vllm_keys.KEY: row}
    done = subprocess.run(
        argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "non-default args: {'api_key': ['***', '***']}",
        "100% of it",
        "True",
        "new __main__ False",
    ]


def test_a_repository_is_a_folder_that_instances_share() -> None:
    source = {"huggingface": "org/Small-1B", "revision": "a" * 40}
    made = plan(spec(source=source), spec(provider="other", port=8001, source=source))
    (model,) = made["artifacts"]
    assert model["dest"].startswith("/var/lib/llm/models/org--Small-1B-aaaaaaaaaaaa")
    assert {written(unit)["model"] for unit in made["units"]} == {model["dest"]}
    other = plan(spec(source={**source, "revision": "b" * 40}))["artifacts"][0]
    assert other["dest"] != model["dest"]


def test_versions_stand_side_by_side_and_go_when_nobody_uses_them() -> None:
    newer = {"releases": {"0.33.0": LOCK.replace("0.32.0", "0.33.0")}}
    one, two = spec(), spec(provider="other", port=8001, version="0.33.0")
    first, second = plan(one, two, **newer)["venvs"]
    assert first["path"].startswith(PLACE)
    assert second["path"].startswith("/var/lib/llm/vllm/0.33.0-")
    gone = unneeded(vllm.host_plan, [two], [one], {**SETTINGS, **newer}, False, True)
    assert gone == [second["path"]]
    assert unneeded(vllm.host_plan, [two], [one], {**SETTINGS, **newer}, True, False) == []


def test_a_comment_of_a_lock_file_makes_no_other_venv() -> None:
    commented = f"# made by uv in /tmp/1\n\n{LOCK}    # via vllm\n"
    assert plan(spec(), requirements=commented)["venvs"] == plan(spec())["venvs"]


def test_packages_are_named_where_there_is_no_lock_file() -> None:
    made = plan(node(), requirements="", version="0.32.0", packages=["hf-transfer"])
    (venv,) = made["venvs"]
    assert venv["packages"] == ["vllm==0.32.0", "hf-transfer", "ray==2.60.0"]
    assert venv["torch_backend"] == "auto"
    (bare,) = plan(spec(version="0.31.0"), requirements="")["venvs"]
    assert bare["packages"] == ["vllm==0.31.0"]


def test_a_vllm_that_is_there_is_used() -> None:
    made = plan(spec(), binary="/opt/vllm/bin/python", requirements="")
    assert made["venvs"] == []
    assert service(made["units"][0])["ExecStart"][0] == "/opt/vllm/bin/python"


def test_a_variable_may_name_the_venv() -> None:
    given = {"LD_PRELOAD": "{venv}/lib/libiomp5.so"}
    made = plan(spec(environment={"A": "b"}), environment=given)
    environment = service(made["units"][0])["Environment"]
    assert environment["LD_PRELOAD"] == f"{made['venvs'][0]['path']}/lib/libiomp5.so"
    assert environment["A"] == "b"


@pytest.mark.parametrize(
    ("change", "settings", "word"),
    [
        ({}, {"requirements": ""}, "vllm_requirements .* or vllm_version"),
        ({"version": "9"}, {}, "a lock file for vLLM 0.32.0 and none for 9"),
        ({}, {"requirements": "torch==1\n"}, "pins no vllm==VERSION"),
        ({"version": "9"}, {"binary": "/opt/python"}, "vllm_binary says"),
        ({"options": {"port": 1}}, {}, "deploy.port"),
        ({"options": {"served_model_name": "x"}}, {}, "the model's name"),
        ({"options": {"distributed_executor_backend": "mp"}}, {}, "deploy.distributed"),
        ({"key_variable": "NONE"}, {}, "vllm_secrets has no NONE"),
        ({"source": {"url": "http://m/x"}}, {}, "serves a folder"),
        ({"models": []}, {}, "serves one model"),
    ],
)
def test_what_does_not_fit_is_said(change: dict, settings: dict, word: str) -> None:
    with pytest.raises(EngineError, match=word):
        plan(spec(**change), **settings)


def test_a_cluster_needs_ray_in_the_lock_file() -> None:
    with pytest.raises(EngineError, match="has no ray==VERSION"):
        plan(node())
    assert plan(node(), requirements=f"{LOCK}ray[cgraph]==2.60.0\n")["venvs"]


def test_what_is_ours_is_refused_before_a_host_is_touched() -> None:
    provider = document("providers.schema.json")["additionalProperties"]
    options = provider["properties"]["deploy"]["properties"]["options"]
    assert {key for key in vllm.OURS if options["properties"].get(key) is False} == set(vllm.OURS)
    assert set(vllm.OURS) <= set(options["x-instead"])


WITH_RAY = {"requirements": f"{LOCK}ray==2.60.0\n"}


def test_the_head_waits_for_its_nodes_before_vllm_starts() -> None:
    ray, own = plan(node(gpus=[0, 1]), **WITH_RAY)["units"]
    assert [ray["name"], own["name"]] == ["vllm-ray-head-gpu.service", "vllm-gpu.service"]
    assert own["sections"]["Unit"]["Requires"] == ray["name"]
    assert ray["name"] in own["sections"]["Unit"]["After"]
    wait = service(own)["ExecStartPre"]
    assert wait[-3:] == ["10.0.0.1:8001", "10.0.0.1,10.0.0.2", "300"]
    assert written(own)["distributed-executor-backend"] == "ray"
    assert own["ready_timeout"] == 2100
    words = service(ray)["ExecStart"]
    assert "--head" in words
    assert words[words.index("--num-gpus") + 1] == "2"
    for unit in (ray, own):
        assert service(unit)["Environment"]["VLLM_HOST_IP"] == "10.0.0.1"
        assert units.render(unit["sections"])


@pytest.mark.parametrize(
    ("runs", "state"), [(True, "started"), (False, "stopped"), (None, "present")]
)
def test_the_parts_of_a_cluster_run_as_their_vllm_does(runs: bool | None, state: str) -> None:
    """Where a switch is only prepared, what runs goes on."""
    made = plan(node(gpus=[0, 1], runs=runs), **WITH_RAY)["units"]
    made += plan(node(1, runs=runs), **WITH_RAY)["units"]
    assert [unit["state"] for unit in made] == [state] * 3


def test_a_worker_joins_the_head_and_is_not_asked_anything() -> None:
    made = plan(node(1), **WITH_RAY)
    (unit,) = made["units"]
    assert unit["name"] == "vllm-ray-worker-gpu.service"
    words = service(unit)["ExecStart"]
    assert words[words.index("--address") + 1] == "10.0.0.1:8001"
    assert words[words.index("--node-ip-address") + 1] == "10.0.0.2"
    assert (unit["ready"], unit["port"], service(unit)["Restart"]) == ([], None, "always")


def test_all_ports_of_a_cluster_stand_behind_its_own() -> None:
    words = service(plan(node(), **WITH_RAY)["units"][0])["ExecStart"]
    ports = [int(b) for a, b in itertools.pairwise(words) if a.endswith("port")]
    assert len(set(ports)) == len(vllm_ray.PORTS) + 2
    assert all(8000 < port < 8200 for port in ports)


def test_a_token_keeps_strangers_out_of_the_cluster() -> None:
    with pytest.raises(EngineError, match="whoever reaches Ray's ports"):
        plan(node(), ray_token="", **WITH_RAY)
    head = plan(node(key_variable="K"), secrets={"K": "sk"}, **WITH_RAY)
    ray, own = head["units"]
    assert ray["secrets"] == {"RAY_AUTH_TOKEN": "t-secret"}
    assert own["secrets"] == {"RAY_AUTH_TOKEN": "t-secret", "VLLM_API_KEY": "sk"}
    assert service(ray)["Environment"]["RAY_AUTH_MODE"] == "token"
    assert "t-secret" not in str([service(ray), service(own)])


def test_what_a_cluster_needs_is_told_without_its_token() -> None:
    told = needs(vllm.host_plan, [node()], {**SETTINGS, **WITH_RAY, "ray_token": ""})
    assert [one["text"] for one in told["locks"]] == [WITH_RAY["requirements"], SETTINGS["uv"]]


def test_a_host_knows_the_units_of_its_part() -> None:
    assert vllm_ray.units_of(spec()) == ["vllm-gpu.service"]
    assert vllm_ray.units_of(node()) == ["vllm-gpu.service", "vllm-ray-head-gpu.service"]
    assert vllm_ray.units_of(node(1)) == ["vllm-ray-worker-gpu.service"]


# What vLLM 0.32 and Ray 2.60 write, and what is said of it.
SAID = [
    (
        "ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than desired "
        "GPU memory utilization (0.9, 21.3 GiB). Decrease GPU memory utilization or reduce memory"
        " used by other processes.",
        "has not the free memory that it wants (3.1/23.6 GiB; wanted: 0.9, 21.3 GiB)",
    ),
    (
        "ValueError: To serve at least one request with the model's max seq len (131072), 16.0 GiB"
        " KV cache is needed, which is larger than the available KV cache memory (4.2 GiB).",
        "smaller max_model_len",
    ),
    ("ValueError: No available memory for the cache blocks. Try increasing", "smaller model"),
    (
        "ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0.",
        "too old for the model's numbers",
    ),
    ("OSError: You are trying to access a gated repo.", ""),
    (
        "huggingface_hub.errors.GatedRepoError: 403 Client Error. Cannot access gated repo for url",
        "gated",
    ),
    ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "memory is full"),
    ("RuntimeError: Failed to infer device type, please set the environment", "sees no GPU"),
    ("api_server.py: error: unrecognized arguments: --max-sequences 4", "option --max-sequences"),
    ("ModuleNotFoundError: No module named 'ray'", "package ray is missing"),
    (
        "ImportError('libnuma.so.1: cannot open shared object file: No such file or directory')",
        "the library libnuma.so.1 is missing",
    ),
    (
        "RuntimeError: Insufficient space in /dev/shm for shared-memory allocation: 160 MiB "
        "required, 62 MiB free. Increase /dev/shm (e.g. --shm-size or --ipc=host).",
        "/dev/shm is too small (160 MiB required, 62 MiB free)",
    ),
    (
        "these nodes are not in the Ray cluster after 300 s: 10.0.0.2",
        "10.0.0.2 is missing: look at vllm-ray-worker there",
    ),
]


@pytest.mark.parametrize(("line", "sentence"), SAID)
def test_what_it_writes_is_said_in_a_sentence(line: str, sentence: str) -> None:
    above = ["(EngineCore pid=1) INFO loading"]
    below = ["RuntimeError: Engine core initialization failed. See root cause above."] * 20
    assert sentence in diagnosis.said([*above, line, *below])


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_page_are_sound(text: str, tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(text)
    hosts = {"gw": "10.0.0.1", "gpu01": "10.0.0.2", "gpu02": "10.0.0.3"}
    inventory = Inventory({"gateway": ["gw"], "gpu_hosts": ["gpu01", "gpu02"]}, hosts)
    found = compile_registry(str(tmp_path), inventory)
    assert [one for one in found.problems if one.severity == "error"] == []
    settings = {**SETTINGS, **WITH_RAY, "releases": {"0.32.0": LOCK}}
    for specs in found.services.values():
        assert vllm.host_plan(specs, settings, {"GPU01_KEY": "k"})["units"]


def test_the_page_says_what_is_set() -> None:
    unit = plan(spec())["units"][0]
    for key in ("TimeoutStartSec", "TimeoutStopSec", "KillMode"):
        assert f"{key}={service(unit)[key]}" in PAGE
