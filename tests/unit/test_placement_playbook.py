"""The tasks that place services on GPUs, as Ansible runs them; nvidia-smi is a stand-in."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from gguf_files import LLAMA, LLAMA_TENSORS, write_gguf

ROOT = Path(__file__).parents[2]
TASKS = ROOT / "playbooks" / "parts" / "tasks" / "placement.yml"
NVIDIA_SMI = """#!/bin/sh
case "$1" in
--query-gpu*) echo "index, uuid, name, memory.total [MiB], memory.used [MiB], memory.free [MiB], \
driver_version, compute_cap, mig.mode.current"
  echo "0, GPU-1, NVIDIA GeForce RTX 3090, 24576 MiB, 10 MiB, 24566 MiB, 580.65.06, 8.6, [N/A]";;
*) echo "gpu_uuid, pid, process_name, used_gpu_memory [MiB]";;
esac
"""


def service(provider: str, size: str, path: str, gpus: list[int]) -> dict[str, object]:
    model = {"name": "m-q4_k_m", "size": size, "context_length": None, "source": {"path": path}}
    return {
        "provider": provider, "engine": "llama_cpp", "unit": f"{provider}.service", "gpus": gpus,
        "options": {"ctx_size": 4096}, "environment": {}, "models": [model],
    }  # fmt: skip


def play(folder: Path, *services: dict[str, object]) -> tuple[int, str]:
    """The tasks over services of this machine."""
    programs = folder / "bin"
    programs.mkdir()
    (programs / "nvidia-smi").write_text(NVIDIA_SMI)
    (programs / "nvidia-smi").chmod(0o755)
    variables = {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable,
        "ansible_become": False, "user_service_user": pwd.getpwuid(os.geteuid()).pw_name,
        "llm_check": {"services": {"localhost": services}},
    }  # fmt: skip
    only = {
        "hosts": "localhost", "gather_facts": False, "vars": variables,
        "environment": {"PATH": f"{programs}:/usr/bin:/bin"},
        "tasks": [{"ansible.builtin.import_tasks": str(TASKS)}],
    }  # fmt: skip
    (folder / "play.yml").write_text(json.dumps([only]))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    environment = {**os.environ, "NO_COLOR": "1", "ANSIBLE_STDOUT_CALLBACK": "default"}
    done = subprocess.run(
        [program, "-i", "localhost,", str(folder / "play.yml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment | {"ANSIBLE_HOME": str(folder / "home")},
    )
    return done.returncode, done.stdout + done.stderr


def test_what_has_no_room_ends_the_host_with_the_numbers(tmp_path: Path) -> None:
    model = write_gguf(tmp_path / "tiny.gguf", LLAMA, LLAMA_TENSORS)
    small = service("small", "8B", str(model), [0])
    code, said = play(tmp_path, small, service("large", "70B", "/nowhere.gguf", [0]))
    assert code == 2, said
    assert "NVIDIA GeForce RTX 3090" in said
    assert "Q4_K_M by its file" in said
    assert "error[gpu-overcommitted]: small, large: GPU 0 has 24.0 GiB" in said


def test_where_nothing_asks_for_a_gpu_no_task_reaches_the_host(tmp_path: Path) -> None:
    code, said = play(tmp_path, service("large", "70B", "/nowhere.gguf", []))
    assert code == 0, said
    assert "ok=0" in said
    assert "skipped=1" in said
