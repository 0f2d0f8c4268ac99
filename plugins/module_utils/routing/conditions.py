# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a condition of request_metadata_routing can be: what LiteLLM looks at to choose by."""

from __future__ import annotations

import re

from ..registry.policies import Condition
from .runaway import endless

TAG, AGENT = "tag", "user_agent"
KNOWN = (TAG, AGENT)
_EXAMPLE = {TAG: "such as tag: batch", AGENT: "such as user_agent: ^curl/"}
_MOST_REPEATS = 3  # over a header, which may have many thousand letters; `.*` in front is one
_HEADER = "^User-Agent: "  # how LiteLLM's tag_regex sees it
_FLAGS = re.compile(r"\(\?[aiLmsux]+\)")


def refusal(condition: Condition) -> tuple[str, str]:
    """(why, what instead) of a condition that LiteLLM cannot hold; ("", "") of others."""
    if len(condition.terms) != 1:
        return "has not exactly one condition", "one condition an entry"
    what, value = condition.terms[0]
    if what not in KNOWN and value.strip().rstrip(":= ").lower() in KNOWN:
        name = value.strip().rstrip(":= ").lower()
        return f"does not say which {name} it looks for", _EXAMPLE[name]
    if what not in KNOWN:
        said = f"looks at '{what or value}'"
        return f"{said}, which LiteLLM does not look at", "tag: NAME or user_agent: REGEX"
    return _bad_tag(value) if what == TAG else _bad_agent(value)


def is_possible(condition: Condition) -> bool:
    """Whether LiteLLM can hold it."""
    return not refusal(condition)[0]


def _bad_tag(tag: str) -> tuple[str, str]:
    if tag == "default":
        return "looks for the tag 'default', which stands for no tag", "another tag"
    if not tag:
        return "does not say which tag it looks for", _EXAMPLE[TAG]
    if tag != tag.strip() or "," in tag or not tag.isprintable() or tag[:1] in "!&":
        why = f"looks for the tag {tag!r}, which no request can carry"
        return why, "a tag without ',', without blank ends, and without '!' or '&' in front"
    return "", ""


def _bad_agent(expression: str) -> tuple[str, str]:
    if not expression.strip():
        return "does not say which user_agent it looks for", _EXAMPLE[AGENT]
    why, instead = "has a regular expression that", "such as ^curl/ or claude-code"
    try:
        re.compile(expression)
        seen = agent_expression(expression)
        slow = endless(seen, _MOST_REPEATS)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{why} is none: {error}", instead
    if not seen:
        return f"{why} cannot be held against the header alone", instead
    if slow:
        return f"{why} may run without end, and the gateway with it: {slow}", instead
    return "", ""


def agent_expression(expression: str) -> str:
    """The same over LiteLLM's "User-Agent: <value>"; "" if that cannot be said."""
    flags = _FLAGS.match(expression)
    head, body = (flags[0], expression[flags.end() :]) if flags else ("", expression)
    if _FLAGS.search(body):
        return ""
    if body.startswith("^") and "|" not in body:
        return head + _HEADER + body[1:]
    anchored = re.search(r"(?<![\\\[])\^|\\A", body)
    return "" if anchored else f"{head}{_HEADER}.*(?:{body})"
