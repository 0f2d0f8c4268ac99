# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engines that we run: a row each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from . import llama_cpp, ollama, vllm
from .files import HostPlan

ENGINES: Mapping[str, HostPlan] = MappingProxyType(
    {"llama_cpp": llama_cpp.host_plan, "ollama": ollama.host_plan, "vllm": vllm.host_plan}
)
