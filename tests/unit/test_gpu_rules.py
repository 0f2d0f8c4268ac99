"""What a registry alone tells of GPUs: shares that are more than all of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.compile import Inventory, compile_registry
from ansible_collections.lab.llm.plugins.module_utils.registry.problems import Problem, has_errors

HOSTS = Inventory({"gateway": ["gw"]}, {"gw": "10.0.0.1", "g1": "10.0.0.2", "g2": "10.0.0.3"})
CODE = "gpu-share-exceeded"
BOTH = "hosts: [g1, g2], distributed: ray"


def found(folder: Path, *deploys: str, engine: str = "vllm") -> list[Problem]:
    lines = [
        f"  p{number}: {{type: {engine if number else 'vllm'}, deploy: {{port: 8{3 * number}00, "
        f"{deploy}}}, models: [{{name: m{number}, source: {{path: /m{number}}}}}]}}"
        for number, deploy in enumerate(deploys)
    ]
    (folder / "lab.yaml").write_text("\n".join(["providers:", *lines, ""]))
    problems = compile_registry(str(folder), HOSTS).problems
    others = [one for one in problems if one.code != CODE]
    assert not has_errors(others), others
    return [one for one in problems if one.code == CODE]


@pytest.mark.parametrize(
    ("deploys", "sentence"),
    [
        (["hosts: g1, gpus: [0]", "hosts: g1, gpus: [0]"],
         "providers.p1: p0 and p1 take 180% of GPU 0 of g1 (gpu_memory_utilization, by default"),
        (["hosts: g1", "hosts: g1"], "p0 and p1 take 180% of one GPU of g1"),
        (["hosts: [g2, g1], gpus: [1]", "hosts: g1, gpus: [0, 1], options: {tensor_parallel_size:"
          " 2, gpu_memory_utilization: 0.2}"], "take 110% of GPU 1 of g1"),
        (["hosts: g1, gpus: [0]", "hosts: g1, gpus: [1, 0], options: {data_parallel_size: 2}"],
         "take 180% of GPU 0 of g1"),
        ([f"{BOTH}, gpus: [0], options: {{pipeline_parallel_size: 2}}", "hosts: g2, gpus: [0]"],
         "take 180% of GPU 0 of g2"),
        # A slot is there once, with the largest of its members.
        (["hosts: g1, gpus: [0], slot: a, options: {gpu_memory_utilization: 0.4}",
          "hosts: g1, gpus: [0], slot: a, options: {gpu_memory_utilization: 0.605}",
          "hosts: g1, gpus: [0], options: {gpu_memory_utilization: 0.4}"],
         "p1 and p2 take 100.5% of GPU 0 of g1"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said(tmp_path: Path, deploys: list[str], sentence: str) -> None:
    [problem] = found(tmp_path, *deploys)
    assert sentence in problem.message
    assert problem.severity == "error"


@pytest.mark.parametrize(
    "deploys",
    [
        ["hosts: g1, gpus: [0]", "hosts: g1, gpus: [1]"],
        ["hosts: g1, gpus: [0]", "hosts: g2, gpus: [0]"],
        ["hosts: g1, gpus: [0], slot: a", "hosts: g1, gpus: [0], slot: a"],
        ["hosts: g1, gpus: []", "hosts: g1, gpus: []"],
        ["hosts: g1, options: {device: cpu}", "hosts: g1, options: {device: cpu}"],
        # vLLM takes no more of them than it has parts.
        ["hosts: g1, gpus: [0, 1]", "hosts: g1, gpus: [1]"],
        ["hosts: g1, options: {gpu_memory_utilization: 0.5}",
         "hosts: g1, options: {gpu_memory_utilization: 0.5}"],
        ["hosts: g1, options: {tensor_parallel_size: 8}"],
        # Ray chooses which of the four it takes.
        [f"{BOTH}, gpus: [0, 1], options: {{pipeline_parallel_size: 2}}", "hosts: g1, gpus: [1]"],
    ],
)  # fmt: skip
def test_what_can_be_is_not(tmp_path: Path, deploys: list[str]) -> None:
    assert found(tmp_path, *deploys) == []


def test_of_other_engines_only_the_host_tells(tmp_path: Path) -> None:
    assert not found(tmp_path, "hosts: g1, gpus: [0]", "hosts: g1, gpus: [0]", engine="llama_cpp")


def test_who_allows_it_is_warned(tmp_path: Path) -> None:
    [problem] = found(tmp_path, "hosts: g1, gpus: [0], overcommit: true", "hosts: g1, gpus: [0]")
    assert problem.severity == "warning"
