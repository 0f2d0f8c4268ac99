# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a unit does not run, in one sentence, from what systemd and the journal say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .user_manager import State

# Exit codes that systemd itself gives before the program runs: systemd.exec(5).
SYSTEMD_EXITS = {
    200: "its working directory is missing or closed to the user",
    203: "its program cannot be executed: missing, not executable, or made for another machine",
    217: "the host forbids user namespaces to users: switch the sandbox off for this service",
    218: "the host forbids the sandbox to users: switch the sandbox off for this service",
    226: "the host forbids the sandbox to users, or a path of it is missing: "
    "switch the sandbox off for this service",
    243: "a credential of it cannot be read",
}
SIGNALS = {
    "4": "its program uses instructions that this processor lacks: take another build",
    "9": "it was killed, most likely because memory ran out: take a smaller model or context",
    "11": "its program crashed (segmentation fault)",
    "6": "its program gave up (abort)",
    "31": "its program made a system call that the sandbox forbids",
}
LAST = 12
# What programs say, most telling first.
PHRASES = (
    (
        r"address already in use|couldn't bind|could not bind",
        "its port is taken by another process",
    ),
    (r"error while loading shared libraries: ([^:\s]+)", "the library {0} is missing on this host"),
    (
        r"([\w.+-]+\.so[\w.]*): cannot open shared object file",
        "the library {0} is missing on this host",
    ),
    (
        r"version `(\S+)' not found",
        "this host's C library is too old for the build ({0} is needed)",
    ),
    # vLLM
    (
        r"Free memory on device \S+ \(([^)]+)\) .*?GPU memory utilization \(([^)]+)\)",
        "the GPU has not the free memory that it wants ({0}; wanted: {1}): stop what else is on "
        "it, or give it a smaller gpu_memory_utilization",
    ),
    (
        r"larger than the (?:available|maximum number of tokens that can be stored in)",
        "the cache is too small for its context: give it a smaller max_model_len, or more memory",
    ),
    (
        r"No available memory for the cache blocks",
        "nothing is left for the cache: give it a larger gpu_memory_utilization, or take a "
        "smaller model",
    ),
    (
        r"only supported on GPUs with compute capability|Minimum capability: \d+",
        "this GPU is too old for the model's numbers or quantisation: give it another dtype, such "
        "as float16, or another build of the model",
    ),
    (
        r"(?:is a|Cannot access) gated repo|401 Client Error.*huggingface",
        "the model is gated: accept its terms on Hugging Face and give it a token",
    ),
    (
        r"Insufficient space in /dev/shm[^:]*: (.+?)\. ",
        "/dev/shm is too small ({0}): mount it larger",  # noqa: S108 - words for people
    ),
    (
        r"CUDA out of memory|torch\.(?:cuda\.)?OutOfMemoryError",
        "the GPU's memory is full",
    ),
    (
        r"No CUDA GPUs are available|Found no NVIDIA driver|Failed to infer device type",
        "it sees no GPU: the driver is missing, deploy.gpus names none, or the build is for "
        "another kind",
    ),
    (
        r"unrecognized arguments: (--\S+)",
        "the program does not know the option {0}",
    ),
    (r"No module named '?(\S+?)'?$", "the Python package {0} is missing in its venv"),
    (
        r"these nodes are not in the Ray cluster after \S+ s: (.+)",
        "not all hosts are in its Ray cluster, {0} is missing: look at vllm-ray-worker there, and "
        "whether the ports between the hosts are open",
    ),
    (
        r"number of required \S+ exceeds the total|Current node has no \S+ available",
        "the Ray cluster has too few GPUs for its tensor and pipeline parallel sizes",
    ),
    # Ollama
    (
        r"model requires more system memory \(([^)]+)\) than is available \(([^)]+)\)",
        "the model needs more memory ({0}) than is free ({1}): take a smaller one, or a smaller "
        "context",
    ),
    (
        r"maximum pending requests exceeded",
        "more requests wait than it takes (OLLAMA_MAX_QUEUE)",
    ),
    (r"no space left on device", "a disk of the host is full"),
    (r"cudaMalloc failed|CUDA error: out of memory|hipMalloc failed", "the GPU's memory is full"),
    (r"failed to allocate|std::bad_alloc|Cannot allocate memory", "memory ran out"),
    (r"invalid argument: (\S+)", "the program does not know the option {0}"),
    (r"error while handling argument \"([^\"]+)\"", "the value of the option {0} is not accepted"),
    (r"data is not within the file bounds", "the model file is damaged or cut short"),
    (r"failed to open GGUF file|No such file or directory", "a file that it needs is missing"),
    (r"error loading model|failed to load model|invalid magic", "the model file cannot be loaded"),
    (r"CUDA driver version is insufficient", "the GPU's driver is too old for this build"),
    (r"Permission denied", "a file that it needs is closed to the user"),
)


def cause(state: State, lines: Sequence[str], port_holder: str = "") -> str:
    """The most likely cause. `lines` are its last, `port_holder` such as "80 is held by x"."""
    if port_holder:
        return f"its port {port_holder}: stop that process, or choose another port"
    if state.result == "oom-kill":
        return "the kernel killed it because memory ran out: take a smaller model or context"
    # The last lines are the likeliest to tell; before them, much that is said does no harm.
    if told := said(lines[-LAST:]) or said(lines):
        return told
    status = state.exec_main_status
    if state.exec_main_code in ("2", "3") or state.result in ("signal", "core-dump"):
        return SIGNALS.get(status, f"signal {status} ended it")
    if state.result in ("exit-code", "success") and status.isdigit() and int(status):
        return SYSTEMD_EXITS.get(int(status), f"its program ended with exit code {status}")
    if state.result == "timeout":
        return "it did not start within TimeoutStartSec"
    if state.result == "start-limit-hit":
        return "it died too often in a short time"
    if state.load_state in ("bad-setting", "error", "masked"):
        return f"systemd does not take its unit file ({state.load_state})"
    return "its program ended by itself" if state.is_down else "it has not become ready yet"


def said(lines: Sequence[str]) -> str:
    """What a program's own lines say is wrong, "" if they say nothing that is known."""
    for pattern, sentence in PHRASES:
        for line in lines:
            if found := re.search(pattern, line, re.IGNORECASE):
                return sentence.format(*found.groups())
    return ""


def account(state: State, lines: Sequence[str]) -> str:
    """The state and the last lines, for the end of a message."""
    words = f"state {state.active_state}/{state.sub_state}, result {state.result or 'none'}"
    if not lines:
        return f"{words}; the journal holds no line of it"
    return f"{words}; last lines of its journal:\n  " + "\n  ".join(lines)
