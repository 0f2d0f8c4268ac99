"""What nvidia-smi, rocm-smi and the kernel print, as captured and published elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from ansible_collections.lab.llm.plugins.module_utils.host import (
    gpus,
    gpus_amd,
    gpus_kfd,
    gpus_nvidia,
)
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


def asking(
    table: str, apps: str = "", problem: str = "", apps_problem: str = "", parts: str = ""
) -> Ask:
    def ask(words: Sequence[str]) -> tuple[str, str]:
        if words[0].startswith("--query-gpu"):
            return ("", problem) if problem else (table, "")
        if words[0] == "-L":
            return parts, ""
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
            "mig": False, "parts": [],
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
     ("[Insufficient Permissions]", None), ("", None), (None, None), ("24576", 24576),
     ("[Unknown Error]", None)],  # https://github.com/enkore/i3pystatus/pull/850
)  # fmt: skip
def test_values_that_are_not_told_are_none(text: str | None, mib: int | None) -> None:
    assert gpus_nvidia.number(text) == mib


# An A100 of 80 GiB with MIG: https://github.com/NVIDIA/go-nvml/issues/57
A100 = f"0, {UUID}, NVIDIA A100 80GB PCIe, 81920 MiB, 39 MiB, 81881 MiB, 520.61.05, 8.0, Enabled"
# https://github.com/NVIDIA/nvidia-container-toolkit/issues/203
PARTS = f"""GPU 0: NVIDIA A100 80GB PCIe (UUID: {UUID})
  MIG 3g.40gb     Device  0: (UUID: MIG-0929581a-2be6-5dec-bf34-0954c6c529a6)
  MIG 3g.40gb     Device  1: (UUID: MIG-3adbed3a-d03d-549f-a016-ba1fd7359f23)
"""
# Of an older driver: https://github.com/NVIDIA/dcgm-exporter/issues/105
OLDER_PARTS = """GPU 0: A100-SXM4-40GB (UUID: GPU-a810a1fc-9f46-0e6f-5cef-bf34c2248e12)
  MIG 3g.20gb Device 0: (UUID: MIG-GPU-a810a1fc-9f46-0e6f-5cef-bf34c2248e12/1/0)
  MIG 3g.20gb Device 1: (UUID: MIG-GPU-a810a1fc-9f46-0e6f-5cef-bf34c2248e12/2/0)
GPU 1: A100-SXM4-40GB (UUID: GPU-604c7a18-e7d0-02e0-723a-7578be840651)
"""
# A MIG GPU of a virtual machine does not tell its memory:
# https://github.com/NVIDIA/dcgm-exporter/issues/544
H100 = f"0, {UUID}, NVIDIA H100 NVL, [N/A], [N/A], [N/A], 535.230.02, 9.0, Enabled"


@pytest.mark.parametrize(
    ("row", "listed", "total", "parts"),
    [
        (A100, PARTS, 81920, ["3g.40gb", "3g.40gb"]),
        (A100, OLDER_PARTS, 81920, ["3g.20gb", "3g.20gb"]),
        (A100, "", 81920, []),
        (H100, "", None, []),  # and has not the host's
        (A100.replace("Enabled", "Disabled"), PARTS, 81920, []),
    ],
)
def test_mig_is_seen(
    row: str, listed: str, total: int | None, parts: list[str], tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 125489508 kB\nMemAvailable: 104857600 kB\n")
    text = f"{HEAD}, compute_cap, mig.mode.current\n{row}\n"
    [found] = gpus_nvidia.read(asking(text, parts=listed), tmp_path, [])
    assert (found["mig"], found["total"], found["parts"]) == ("Enabled" in row, total, parts)


def test_a_process_on_a_part_is_on_its_gpu(tmp_path: Path) -> None:
    apps = (
        "gpu_uuid, pid, process_name, used_gpu_memory [MiB]\n"
        "MIG-3adbed3a-d03d-549f-a016-ba1fd7359f23, 7, python, 14195 MiB\n"
    )
    text = f"{HEAD}, compute_cap, mig.mode.current\n{A100}\n"
    [found] = gpus_nvidia.read(asking(text, apps, parts=PARTS), tmp_path, [])
    assert [one["pid"] for one in found["processes"]] == [7]


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


# Before ROCm 6: https://github.com/easybuilders/easybuild-framework/pull/3978, with the memory of
# https://github.com/ROCm/rocm_smi_lib/pull/120
MI100 = """{"card0": {"VRAM Total Memory (B)": "17163091968", "VRAM Total Used Memory (B)":
"17453056", "Card series": "Arcturus GL-XL [AMD Instinct MI100]", "Card model": "0x0c34",
"Card vendor": "Advanced Micro Devices, Inc. [AMD/ATI]", "Card SKU": "D34316"},
"system": {"Driver version": "4.18.0-348.12.2.el8_5.x86_64"}}"""
# Part of a processor, 8060S: https://github.com/ROCm/legacy-rocm-build/issues/6004
STRIX_HALO = """{"card0": {"Card Series": "AMD Radeon Graphics", "GFX Version": "gfx1151",
"VRAM Total Memory (B)": "536870912", "VRAM Total Used Memory (B)": "445550592",
"GTT Total Memory (B)": "137438953472", "GTT Total Used Memory (B)": "8589934592"}}"""


@pytest.mark.parametrize(
    ("text", "model", "gfx", "total", "used"),
    [
        (MI100, "Arcturus GL-XL [AMD Instinct MI100]", "", 16368, 16),
        (STRIX_HALO, "AMD Radeon Graphics", "gfx1151", 131072, 8192),
        # The kernel lends a card memory, too, and it is not the card's.
        (STRIX_HALO.replace("gfx1151", "gfx1100"), "AMD Radeon Graphics", "gfx1100", 512, 424),
    ],
)
def test_other_forms_of_rocm_smi(
    text: str, model: str, gfx: str, total: int, used: int, tmp_path: Path
) -> None:
    notes: list[str] = []
    [found] = gpus_amd.read(lambda words: (text, ""), tmp_path, tmp_path, notes)
    assert (found["model"], found["compute_capability"]) == (model, gfx)
    assert (found["total"], found["used"]) == (total, used)
    assert 0 <= total - used - found["free"] <= 1  # each is cut to MiB
    shares = ["GPU 0 (AMD Radeon Graphics) shares the memory of the host"]
    assert notes == (shares if gfx == "gfx1151" else [])


def node(system: Path, number: int, gpu_id: str, **properties: int) -> None:
    """One of KFD's, with lines as in https://github.com/ROCm/rocm-cli/pull/343."""
    folder = system / "class/kfd/kfd/topology/nodes" / str(number)
    folder.mkdir(parents=True)
    (folder / "gpu_id").write_text(f"{gpu_id}\n")
    lines = [f"{key} {value}\n" for key, value in properties.items()]
    (folder / "properties").write_text("".join(lines))


def card(system: Path, name: str, vendor: str, render: int = 0, **sizes: int) -> None:
    """A device of DRM."""
    device = system / "class/drm" / name / "device"
    device.mkdir(parents=True)
    (device / "vendor").write_text(f"{vendor}\n")
    for key, size in sizes.items():
        (device / f"mem_info_{key}").write_text(f"{size}\n")
    if render:
        (device / "drm" / f"renderD{render}").mkdir(parents=True)


def holds(system: Path, pid: int, unit: str, **vram: int) -> None:
    """A process of KFD: class/kfd/kfd/proc/PID/vram_GPUID, as its kfd_process.c names them."""
    folder = system / "class/kfd/kfd/proc" / str(pid)
    folder.mkdir(parents=True)
    for gpu_id, size in vram.items():
        (folder / gpu_id).write_text(f"{size}\n")
    proc = system / "proc" / str(pid)
    proc.mkdir(parents=True)
    (proc / "comm").write_text("llama-server\n")
    (proc / "cgroup").write_text(f"0::/user.slice/app.slice/{unit}.service\n")


def test_gpus_of_amd_by_the_kernel(tmp_path: Path) -> None:
    for name, vendor in (("card0", "0x8086"), ("card1", "0x1002"), ("card1-DP-1", "0x1002")):
        card(tmp_path, name, vendor, vram_total=17163091968, vram_used=692142080)
    holds(tmp_path, 4711, "llama-server-x", vram_12345=104857600)
    found = gpus_amd.read(lambda words: ("", ""), tmp_path, tmp_path / "proc", [])
    assert len(found) == 1
    assert (found[0]["total"], found[0]["used"], found[0]["free"]) == (16368, 660, 15707)
    assert found[0]["processes"] == [
        {"pid": 4711, "name": "llama-server", "memory": 100, "unit": "llama-server-x.service"}
    ]


def test_the_kernel_tells_who_is_on_which_of_several(tmp_path: Path) -> None:
    """Values of https://github.com/ROCm/rocm-systems/pull/922 (Radeon VII, gpu_id 51887) and of
    https://github.com/ROCm/legacy-rocm-build/issues/6004. ROCm counts as the driver does."""
    node(tmp_path, 0, "0", cpu_cores_count=12, simd_count=0, gfx_target_version=0)
    node(tmp_path, 1, "51887", simd_count=240, gfx_target_version=90006, drm_render_minor=129)
    node(tmp_path, 2, "26967", simd_count=80, gfx_target_version=110501, drm_render_minor=128)
    card(tmp_path, "card10", "0x1002", 128, vram_total=536870912, vram_used=445550592,
         gtt_total=137438953472, gtt_used=8589934592)  # fmt: skip
    card(tmp_path, "card2", "0x1002", 129, vram_total=17163091968, vram_used=692142080,
         gtt_total=16000000000, gtt_used=0)  # fmt: skip
    holds(tmp_path, 4711, "llama-server-x", vram_51887=104857600, vram_26967=0)
    holds(tmp_path, 815, "vllm-y", vram_26967=209715200)
    notes: list[str] = []
    found = gpus_amd.read(lambda words: ("", ""), tmp_path, tmp_path / "proc", notes)
    seen = [(one["compute_capability"], one["total"], [p["pid"] for p in one["processes"]])
            for one in found]  # fmt: skip
    assert seen == [("gfx906", 16368, [4711]), ("gfx1151", 131072, [815])]
    assert notes == ["GPU 1 shares the memory of the host"]


def test_rocm_smi_names_a_gpu_as_the_kernel_does(tmp_path: Path) -> None:
    """GUID is KFD's gpu_id: https://github.com/marimo-team/marimo/issues/9237."""
    both = ROCM.replace('"Unique ID": "0x9246"', '"GUID": "26967"')
    both = both.replace('"Unique ID": "N/A"', '"GUID": "52156"')
    holds(tmp_path, 4711, "llama-server-x", vram_26967=104857600, vram_52156=1048576)
    notes: list[str] = []
    found = gpus_amd.read(lambda words: (both, ""), tmp_path, tmp_path / "proc", notes)
    assert [one["processes"][0]["memory"] for one in found] == [100, 1]
    assert notes == []


@pytest.mark.parametrize(
    ("version", "name"),
    # https://github.com/ROCm/rocm-cli/pull/343 and https://github.com/ROCm/rocm-systems/pull/922
    [("90402", "gfx942"), ("90006", "gfx906"), ("90010", "gfx90a"), ("110501", "gfx1151"),
     ("0", ""), ("", "")],
)  # fmt: skip
def test_versions_of_the_kernel_are_names_of_rocm(version: str, name: str) -> None:
    assert gpus_kfd.gfx(version) == name


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
