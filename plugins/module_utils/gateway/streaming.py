# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A streamed answer of a model: what it says as a whole, and how fast its pieces came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .asking import Answer

TEXTS = ("content", "reasoning_content", "reasoning", "tool_calls")


def whole(answer: Answer) -> Answer:
    """The same answer as if it had come in one piece; one that did is returned as it is."""
    if not answer.events:
        return answer
    said = [row for _seconds, row in _read(answer)]
    error = next((row["error"] for row in said if row.get("error")), None)
    if error is not None:  # LiteLLM has sent the 200 already when a stream breaks
        code = str(error.get("code", "")) if isinstance(error, dict) else ""
        status = int(code) if code.isdecimal() and 400 <= int(code) < 600 else 500
        return replace(answer, status=status, body=json.dumps({"error": error}).encode())
    choices = [choice for row in said for choice in row.get("choices") or ()]
    usage = next((row["usage"] for row in reversed(said) if row.get("usage")), None)
    body = {"choices": choices, "usage": usage}
    return replace(answer, body=json.dumps(body).encode())


def pace(answer: Answer) -> dict[str, Any]:
    """`first_token_ms` and `tokens_per_second` of a stream; nothing of any other answer.

    The speed is that between the first piece and the last, None where there is only one. A piece
    has as many tokens as the provider counts for all of them on average, or one if it does not.
    """
    rows = _read(answer)
    pieces = [seconds for seconds, row in rows if _has_text(row)]
    if not pieces:
        return {}
    counted = [(row.get("usage") or {}).get("completion_tokens") for _seconds, row in rows]
    tokens = next((n for n in reversed(counted) if isinstance(n, int) and n > 0), len(pieces))
    took = pieces[-1] - pieces[0]
    speed = (len(pieces) - 1) * tokens / len(pieces) / took if took > 0 else None
    first = max(1, round(pieces[0] * 1000))
    return {"first_token_ms": first, "tokens_per_second": speed and float(f"{speed:.3g}")}


def _read(answer: Answer) -> list[tuple[float, dict[str, Any]]]:
    """The events that are JSON objects; the last of all is only a word."""
    found = []
    for seconds, data in answer.events:
        try:
            row = json.loads(data)
        except ValueError:
            continue
        if isinstance(row, dict):
            found.append((seconds, row))
    return found


def _has_text(row: Mapping[str, Any]) -> bool:
    for choice in row.get("choices") or ():
        delta = choice.get("delta") or {}
        if choice.get("text") or any(delta.get(key) for key in TEXTS):
            return True
    return False
