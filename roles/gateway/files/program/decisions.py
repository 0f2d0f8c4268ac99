# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which way each request takes, a line a step in the gateway's log (`debug_router: true`).

    ROUTER gpt-4: one of ~openai/gpt-4, ~gpu/llama3.1#gpt-4
    ROUTER gpt-4: ~openai/gpt-4 failed: RateLimitError 429
    ROUTER ~ollama/llama3.1: ~ollama/llama3.1 answered in 0.84 s
    ROUTER gpt-4: fell back to ~ollama/llama3.1 after RateLimitError

LiteLLM's own lines name neither what was asked for nor which deployment was chosen, and its debug
level writes prompts. These hold names and ids, never what was asked or answered.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

log = logging.getLogger("lab.llm")
Call = dict[str, Any]
MOST = 12  # candidates that are named


class Decisions(CustomLogger):
    """Hooks of LiteLLM's own; none of them changes anything."""

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Call],
        messages: object,
        request_kwargs: Call | None = None,
        parent_otel_span: object = None,
    ) -> list[Call]:
        """Called with those of a name that are not cooling down, before one is chosen."""
        ids = [str(one.get("model_info", {}).get("id")) for one in healthy_deployments]
        more = f" and {len(ids) - MOST} more" if len(ids) > MOST else ""
        log.info("ROUTER %s: one of %s%s", model, ", ".join(ids[:MOST]) or "nobody", more)
        return healthy_deployments

    async def async_log_success_event(
        self, kwargs: Call, response_obj: object, start_time: datetime, end_time: datetime
    ) -> None:
        """One has answered; of a stream, all of it."""
        seconds = (end_time - start_time).total_seconds()
        log.info("ROUTER %s: %s answered in %.2f s", *asked(kwargs), seconds)

    async def async_log_failure_event(
        self, kwargs: Call, response_obj: object, start_time: datetime, end_time: datetime
    ) -> None:
        """One has failed; whoever is next is told by the next line."""
        error = kwargs.get("exception")
        status = getattr(error, "status_code", "")
        log.info("ROUTER %s: %s failed: %s %s", *asked(kwargs), type(error).__name__, status)

    async def log_success_fallback_event(
        self, original_model_group: str, kwargs: Call, original_exception: Exception
    ) -> None:
        """A fallback has answered."""
        name = kwargs.get("model")
        why = type(original_exception).__name__
        log.info("ROUTER %s: fell back to %s after %s", original_model_group, name, why)

    async def log_failure_fallback_event(
        self, original_model_group: str, kwargs: Call, original_exception: Exception
    ) -> None:
        """A fallback has failed, too."""
        log.info("ROUTER %s: the fallback %s failed", original_model_group, kwargs.get("model"))


def asked(kwargs: Call) -> tuple[str, str]:
    """(what was asked for, the id of who was chosen)."""
    params = kwargs.get("litellm_params") or {}
    noted = params.get("metadata") or {}
    info = noted.get("model_info") or params.get("model_info") or {}
    return str(noted.get("model_group") or kwargs.get("model")), str(info.get("id") or "nobody")


decisions = Decisions()
