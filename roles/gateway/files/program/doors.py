# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two doors to LiteLLM, and what only the private one allows."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

Message = dict[str, Any]
App = Callable[..., Awaitable[None]]

# Of a User-Agent LiteLLM sees so many letters: it holds the expressions of conditions against it,
# and what three repeats in a row take grows with the third power of its length.
AGENT_LETTERS = 256

# Which door the request at hand came through. Every request sets it, so no request can inherit it
# from another one; a task that a request starts has a copy.
came_in_private: ContextVar[bool] = ContextVar("came_in_private", default=False)


class Door:
    """The application as seen through one listener. `closing` tells clients to come back anew."""

    def __init__(self, app: App, *, private: bool) -> None:
        self.app, self.private, self.closing = app, private, False

    async def __call__(self, scope: Message, receive: App, send: App) -> None:
        came_in_private.set(self.private)

        async def send_closing(message: Message) -> None:
            if self.closing and message["type"] == "http.response.start":
                headers = [*message.get("headers", []), (b"connection", b"close")]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(shortened(scope), receive, send_closing)


def shortened(scope: Message) -> Message:
    """The request with no more of its User-Agent than is looked at."""
    headers = scope.get("headers", ())
    if all(name != b"user-agent" or len(value) <= AGENT_LETTERS for name, value in headers):
        return scope
    cut = [(n, value[:AGENT_LETTERS] if n == b"user-agent" else value) for n, value in headers]
    return {**scope, "headers": cut}


def forced_failures_only_in_private() -> None:
    """Allow the `mock_testing_*` body keys through the private door, and refuse them elsewhere.

    LiteLLM asks one function, at each request, whether they are allowed. Ours answers by door,
    whatever the configuration says. Should a later LiteLLM ask elsewhere, they stay refused
    everywhere, and the probe of fallbacks says so.
    """
    from litellm.proxy import route_llm_request

    if not hasattr(route_llm_request, "mock_testing_params_allowed"):
        logging.getLogger("lab.llm").warning("this LiteLLM gives no way to force a fallback")
    route_llm_request.mock_testing_params_allowed = came_in_private.get
