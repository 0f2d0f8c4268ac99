# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a provider answers: its health, and with its key the list of its models."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..gateway.asking import Answer, Asker
from .rows import Row, row

SECONDS = 15.0
# How a type of provider wants its key, and what else it wants to be told.
_KEYS = {"anthropic": "x-api-key", "gemini": "x-goog-api-key", "azure": "api-key"}
_MORE = {"anthropic": {"anthropic-version": "2023-06-01"}}
_FAULTS = {401: "key_refused", 403: "forbidden", 404: "not_found", 429: "limited", 503: "loading"}
Target = Mapping[str, Any]


def headers(target: Target, key: str, values: Mapping[str, str]) -> dict[str, str]:
    """What a request to the provider carries. `values` has the variables of its own headers."""
    way = str(target.get("way", ""))
    told = dict(_MORE.get(way, {}))
    if key:
        name = _KEYS.get(way)
        told |= {name: key} if name else {"Authorization": f"Bearer {key}"}
    for header, text in (target.get("headers") or {}).items():
        variable = str(text).removeprefix("os.environ/")
        told[header] = values.get(variable, "") if variable != text else str(text)
    return told


def health(url: str, sent: Mapping[str, str], check: str = "health", proxy: str = "") -> Row:
    """Whether the health endpoint says 200."""
    answer = Asker(url, sent, SECONDS, proxy).ask("")
    fault, seen = fault_of(answer), answer.message()
    return _row(check, f"GET {url}", "200", seen, fault, answer, url=url)


def models(
    url: str,
    sent: Mapping[str, str],
    declared: Iterable[str],
    way: str = "openai",
    check: str = "models",
    proxy: str = "",
) -> Row:
    """Whether the provider's own list has the models that are declared, and none that failed."""
    answer = Asker(url, sent, SECONDS, proxy).ask("")
    names = list(declared)
    expected = f"200, with {', '.join(names)}" if names else "200"
    asked = f"GET {url}{' with the key' if sent else ''}"
    about: dict[str, Any] = {"url": url, "with_key": bool(sent), "declared": ", ".join(names)}
    fault = fault_of(answer)
    if fault:
        return _row(check, asked, expected, answer.message(), fault, answer, **about)
    found = listed(answer.json(), way)
    if found is None:
        return _row(check, asked, expected, "no list of models", "no_list", answer, **about)
    missing = [name for name in names if not has(found, name)]
    failed = [name for name in names if found.get(name) == "failed"]
    about |= {"missing": ", ".join(missing), "failed": ", ".join(failed)}
    about["listed"] = _some(found)
    seen = f"200, lists {about['listed']}"
    fault = "model_missing" if missing else "model_failed" if failed else ""
    seen += f"; {about['failed']} failed to load" if failed and not missing else ""
    return _row(check, asked, expected, seen, fault, answer, **about)


def listed(said: Any, way: str) -> dict[str, str] | None:  # noqa: ANN401 - whatever was sent
    """Name -> what the server says of how it is, "" for nothing; None if it is no list."""
    word, name = {"ollama": ("models", "name"), "gemini": ("models", "name")}.get(
        way, ("data", "id")
    )
    rows = said.get(word) if isinstance(said, dict) else None
    if not isinstance(rows, list):
        return None
    named = [one for one in rows if isinstance(one, dict) and isinstance(one.get(name), str)]
    return {one[name].removeprefix("models/"): _state(one) for one in named}


def _state(one: Mapping[str, Any]) -> str:
    """What llama-server's router says of a model: it is healthy while one has failed."""
    told = one.get("status")
    if not isinstance(told, Mapping):
        return ""
    return "failed" if told.get("failed") else str(told.get("value") or "")


def has(found: Mapping[str, str], name: str) -> bool:
    """Whether a list has this name, as its engine or its vendor writes it."""
    if name in found or f"{name}:latest" in found:
        return True
    # Vendors list the release that such a name stands for.
    stem = name.removesuffix("latest")
    return name.endswith("-latest") and any(one.startswith(stem) for one in found)


def _some(found: Iterable[str]) -> str:
    names = list(found)
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return (", ".join(names[:6]) or "nothing") + more


def fault_of(answer: Answer) -> str:
    """A word for what is wrong with an answer, "" if it is a 200."""
    if answer.status == 200:
        return ""
    if not answer.status:
        if "refused" in answer.error:
            return "refused"
        return "silent" if "no answer" in answer.error else "no_answer"
    if 300 <= answer.status < 400:
        return "redirect"
    return _FAULTS.get(answer.status, "broken" if answer.status >= 500 else "refused_request")


def _row(
    check: str, asked: str, expected: str, seen: str, fault: str, answer: Answer, **about: object
) -> Row:
    """`ahead`: seconds that the server's clock is ahead of this host's; `location`: where a
    redirect leads."""
    found = row(check, asked, expected, seen, fault, **about)
    found["milliseconds"] = answer.milliseconds
    found["about"]["status"] = answer.status
    found["about"]["location"] = answer.headers.get("location", "")
    told = email.utils.parsedate_to_datetime(answer.headers["date"]) if _dated(answer) else None
    if told:
        found["about"]["ahead"] = round(told.timestamp() - time.time(), 1)
    return found


def _dated(answer: Answer) -> bool:
    try:
        email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return False
    return True
