# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import LiteLLM, and all that its first requests would import besides."""

from __future__ import annotations

import contextlib
import gc
import importlib
from collections.abc import Awaitable, Callable

# LiteLLM 1.106 imports 500 modules in its first answer and some in its first stream: a second and
# more in which the whole process answers nobody. A later one may not have these: then it will
# import others when it needs them.
FIRST_REQUESTS = (
    "litellm.proxy.pass_through_endpoints.llm_passthrough_endpoints",
    "litellm.proxy._experimental.mcp_server.mcp_server_manager",
    "litellm.proxy._experimental.mcp_server.auth.user_api_key_auth_mcp",
    "litellm.proxy._experimental.mcp_server.guardrail_translation",
    "litellm.proxy.hooks.mcp_semantic_filter",
    "litellm.proxy.policy_engine.init_policies",
    "litellm.integrations.shadow_eval_logger",
    "litellm.llms.anthropic.chat.guardrail_translation.handler",
    "litellm.llms.bedrock.passthrough.guardrail_translation.handler",
    "litellm.llms.a2a.chat.guardrail_translation.handler",
    "litellm.llms.pass_through.guardrail_translation.handler",
    "litellm.litellm_core_utils.default_encoding",
    "openai.resources.chat",
    "openai.resources.embeddings",
    "anyio._backends._asyncio",
    "anyio._core._sockets",
)


def litellm() -> Callable[..., Awaitable[None]]:
    """LiteLLM's application."""
    # Imports make much and throw little away: looking for garbage is a seventh of their time.
    gc.disable()
    from litellm.proxy.proxy_server import app

    for name in FIRST_REQUESTS:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # all this stays: no later collection has to look at it, which takes 0.2 s each
    gc.enable()
    return app
