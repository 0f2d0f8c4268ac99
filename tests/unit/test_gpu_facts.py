"""What nvidia-smi, rocm-smi and the kernel print, as captured and published elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import gpus, gpus_amd, gpus_nvidia
from ansible_collections.lab.llm.plugins.module_utils.host.process_unit import unit_of

HEAD = "index, uuid, name, memory.total [MiB], memory.used [MiB], memory.free [MiB], driver_version"
# Columns and values of https://github.com/plambe/zabbix-nvidia-smi-multi-gpu/issues/17
RTX_3080 = (
    f"{HEAD}, compute_cap, mig.mode.current\n0, GPU-8fe3a97d-51f6-a669-0d80-b4530b81b816, "
    "NVIDIA GeForce RTX 3080, 10240 MiB, 9029 MiB, 1211 MiB, 550.54.15, 8.6, [N/A]\n"
)
UUID = "GPU-8fe3a97d-51f6-a669-0d80-b4530b81b816"
# https://github.com/unslothai/unsloth/pull/10703
GB10 = "index, name, memory.total [MiB], memory.free [MiB]\n0, NVIDIA GB10, [N/A], [N/A]\n"
# https://github.com/mostlygeek/llama-swap/issues/782, with its header
APPS = (
    "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\n"
    f"{UUID}, 114687, /usr/local/bin/python, 8135 MiB\n{UUID}, 77, /usr/bin/kwin, [N/A]\n"
    "GPU-another, 12, other, 5 MiB\n"
)
# https://github.com/CoHDI/composable-resource-operator/issues/37 and
# https://github.com/huggingface/candle/issues/733
NO_FIELD = 'nvidia-smi ended with 2: Field "compute_cap" is not a valid field to query.'
FAILED = (
    "nvidia-smi ended with 9: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA"
    " driver. Make sure that the latest NVIDIA driver is installed and running."
)
Ask = Callable[[Sequence[str]], tuple[str, str]]


def asking(table: str, apps: str = "", problem: str = "", apps_problem: str = "") -> Ask:
    def ask(words: Sequence[str]) -> tuple[str, str]:
        if words[0].startswith("--query-gpu"):
            return ("", problem) if problem else (table, "")
        return ("", apps_problem) if apps_problem else (apps, "")

    return ask


def test_a_gpu_of_nvidia_with_what_runs_on_it(tmp_path: Path) -> None:
    (tmp_path / "114687").mkdir()
    (tmp_path / "114687" / "cgroup").write_text(
        "0::/user.slice/user-1001.slice/user@1001.service/app.slice/vllm-big.service\n"
    )
    notes: list[str] = []
    found = gpus_nvidia.read(asking(RTX_3080, APPS), tmp_path, notes)
    assert found == [
        {
            "index": 0, "uuid": UUID, "model": "NVIDIA GeForce RTX 3080", "total": 10240,
            "used": 9029, "free": 1211, "driver": "550.54.15", "compute_capability": "8.6",
            "mig": False,
            "processes": [
                {"pid": 114687, "name": "/usr/local/bin/python", "memory": 8135,
                 "unit": "vllm-big.service"},
                {"pid": 77, "name": "/usr/bin/kwin", "memory": None, "unit": ""},
            ],
        }
    ]  # fmt: skip
    assert notes == []


def test_a_gpu_without_memory_of_its_own_has_the_hosts(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 125489508 kB\nMemAvailable: 104857600 kB\nX: 1\n")
    notes: list[str] = []
    found = gpus_nvidia.read(asking(GB10), tmp_path, notes)
    assert (found[0]["total"], found[0]["free"]) == (122548, 102400)
    assert notes == ["GPU 0 (NVIDIA GB10) shares the memory of the host"]


def test_an_older_driver_does_not_know_each_field(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(words: Sequence[str]) -> tuple[str, str]:
        asked.append(words[0])
        if "compute_cap" in words[0]:
            return "", NO_FIELD
        return f"{HEAD}\n0, {UUID}, GTX 780, 3072 MiB, 10 MiB, 3062 MiB, 470.182.03\n", ""

    found = gpus_nvidia.read(ask, tmp_path, [])
    assert len(asked) == 3
    assert (found[0]["driver"], found[0]["compute_capability"]) == ("470.182.03", "")


@pytest.mark.parametrize(
    "text",
    ["", "No devices were found\n", "\n\n", f"{HEAD}\n", f"{HEAD}\n[N/A], , , , , ,\n", "a,b\n1\n"],
)
def test_a_table_without_gpus_is_none(text: str, tmp_path: Path) -> None:
    assert gpus_nvidia.read(asking(text), tmp_path, []) == []


@pytest.mark.parametrize(
    ("text", "mib"),
    [("24576 MiB", 24576), ("0 MiB", 0), ("[N/A]", None), ("[Not Supported]", None),
     ("[Insufficient Permissions]", None), ("", None), (None, None), ("24576", 24576)],
)  # fmt: skip
def test_values_that_are_not_told_are_none(text: str | None, mib: int | None) -> None:
    assert gpus_nvidia.number(text) == mib


def test_mig_is_seen(tmp_path: Path) -> None:
    # https://github.com/NVIDIA/go-nvml/issues/57: an A100 of 80 GiB with MIG
    row = f"1, {UUID}, NVIDIA A100 80GB PCIe, 81920 MiB, 39 MiB, 81881 MiB, 520.61.05, 8.0, Enabled"
    text = f"{HEAD}, compute_cap, mig.mode.current\n{row}\n"
    assert gpus_nvidia.read(asking(text), tmp_path, [])[0]["mig"]


def test_what_is_wrong_is_noted(tmp_path: Path) -> None:
    notes: list[str] = []
    assert gpus_nvidia.read(asking("", problem=FAILED), tmp_path, notes) == []
    assert notes == [FAILED]
    notes.clear()
    found = gpus_nvidia.read(asking(RTX_3080, apps_problem="no permission"), tmp_path, notes)
    assert found[0]["processes"] == []
    assert notes == ["The processes on the GPUs are not known: no permission"]


# https://github.com/marimo-team/marimo/issues/9237, with the driver's part and the integrated card
# of https://github.com/mudler/LocalAI/pull/7761
ROCM = """WARNING: AMD GPU device(s) is/are in a low-power state.
{"card0": {"GPU use (%)": "0", "VRAM Total Memory (B)": "21458059264",
"VRAM Total Used Memory (B)": "27856896", "Card Series": "Radeon RX 7900 XT",
"Card Model": "0x744c", "GFX Version": "gfx1100", "Unique ID": "0x9246"},
"card1": {"Unique ID": "N/A", "VRAM Total Memory (B)": "67108864",
"VRAM Total Used Memory (B)": "26079232", "Card Series": "Raphael", "GFX Version": "gfx1036"},
"system": {"Driver version": "6.10.5"}}"""


def test_gpus_of_amd_by_their_program(tmp_path: Path) -> None:
    notes: list[str] = []
    found = gpus_amd.read(lambda words: (ROCM, ""), tmp_path, tmp_path, notes)
    assert [(one["index"], one["model"], one["total"], one["used"]) for one in found] == [
        (0, "Radeon RX 7900 XT", 20464, 26), (1, "Raphael", 64, 24),
    ]  # fmt: skip
    assert (found[0]["driver"], found[0]["uuid"]) == ("6.10.5", "0x9246")
    assert found[1]["uuid"] == ""
    assert len(notes) == 1


def test_gpus_of_amd_by_the_kernel(tmp_path: Path) -> None:
    for card, vendor in (("card0", "0x8086"), ("card1", "0x1002"), ("card1-DP-1", "0x1002")):
        device = tmp_path / "class/drm" / card / "device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        (device / "mem_info_vram_total").write_text("17163091968\n")
        (device / "mem_info_vram_used").write_text("692142080\n")
    process = tmp_path / "class/kfd/kfd/proc/4711"
    process.mkdir(parents=True)
    (process / "vram_12345").write_text("104857600")
    proc = tmp_path / "proc/4711"
    proc.mkdir(parents=True)
    (proc / "comm").write_text("llama-server\n")
    (proc / "cgroup").write_text("0::/user.slice/app.slice/llama-server-x.service\n")
    found = gpus_amd.read(lambda words: ("", ""), tmp_path, tmp_path / "proc", [])
    assert len(found) == 1
    assert (found[0]["total"], found[0]["used"], found[0]["free"]) == (16368, 660, 15707)
    assert found[0]["processes"] == [
        {"pid": 4711, "name": "llama-server", "memory": 100, "unit": "llama-server-x.service"}
    ]


@pytest.mark.parametrize("text", ["", "no", "{", "[]", '{"card0": 7}', '{"card0": {}}'])
def test_odd_answers_of_rocm_smi_are_no_gpus_without_memory(text: str, tmp_path: Path) -> None:
    found = gpus_amd.read(lambda words: (text, ""), tmp_path, tmp_path, [])
    assert [one["total"] for one in found] in ([], [None])


def _program(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(gpus, "PLACES", ())
    return folder


def test_a_host_without_any_has_none(programs: Path, tmp_path: Path) -> None:
    assert gpus.gpus(5, tmp_path, tmp_path) == {"vendor": "none", "gpus": [], "notes": []}


def test_a_program_that_hangs_is_killed(programs: Path, tmp_path: Path) -> None:
    _program(programs, "nvidia-smi", "exec sleep 60")
    begun = time.monotonic()
    found = gpus.gpus(0.5, tmp_path, tmp_path)
    assert time.monotonic() - begun < 20
    assert found["vendor"] == "none"
    assert found["notes"] == ["nvidia-smi did not answer within 0.5 s: its driver may be stuck"]


def test_a_program_that_fails_is_quoted(programs: Path, tmp_path: Path) -> None:
    _program(programs, "nvidia-smi", "echo 'NVIDIA-SMI has failed'; exit 9")
    assert gpus.gpus(5, tmp_path, tmp_path)["notes"] == [
        "nvidia-smi ended with 9: NVIDIA-SMI has failed"
    ]


def test_nvidias_program_is_really_asked(programs: Path, tmp_path: Path) -> None:
    _program(programs, "nvidia-smi", f"cat <<'END'\n{RTX_3080}END")
    found = gpus.gpus(5, tmp_path, tmp_path)
    assert (found["vendor"], found["gpus"][0]["free"]) == ("nvidia", 1211)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("0::/system.slice/docker-abc.scope\n", "docker-abc.scope"),
        ("1:name=systemd:/\n0::/user.slice/user@1.service/app.slice/ollama-a.service\n",
         "ollama-a.service"),
        ("0::/\n", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_a_process_belongs_to_a_unit(tmp_path: Path, text: str, unit: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(text)
    assert unit_of(7, tmp_path) == unit
    assert unit_of(8, tmp_path) == ""
