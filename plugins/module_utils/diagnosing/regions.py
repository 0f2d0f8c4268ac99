# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address that LiteLLM makes of a region, for providers that have none of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The LiteLLM parameter that holds the region.
PARAMETERS = {"bedrock": "aws_region_name", "vertex_ai": "vertex_location"}


def address(way: str, region: str, environment: Mapping[str, str]) -> str:
    """As LiteLLM's process with that environment has it; "" where it cannot be told."""
    if way == "bedrock" and environment.get("AWS_BEDROCK_RUNTIME_ENDPOINT"):
        return environment["AWS_BEDROCK_RUNTIME_ENDPOINT"]
    if way not in PARAMETERS or not re.fullmatch(r"[a-z][a-z0-9-]*", region):
        return ""
    if way == "vertex_ai":
        return f"https://{_google(region)}"
    if "-iso" in region:  # secret clouds have names of their own
        return ""
    more = ".cn" if region.startswith("cn-") else ""
    return f"https://bedrock-runtime.{region}.amazonaws.com{more}"


def _google(region: str) -> str:
    if region == "global":
        return "aiplatform.googleapis.com"
    if "-" not in region:
        return f"aiplatform.{region}.rep.googleapis.com"
    return f"{region}-aiplatform.googleapis.com"
