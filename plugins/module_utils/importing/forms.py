# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the keys hold that the import reads, and what LiteLLM makes of anything else.

Measured with LiteLLM 1.106.2, value by value; tests/unit/test_import_values.py sweeps over all keys
and tests/unit/test_import_litellm.py asks the real one again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..registry.yaml_tree import Mapping as Node
from ..registry.yaml_tree import Sequence
from ..routing.litellm_providers import PROVIDERS
from .keys import words
from .values import (
    BOOL,
    DROPPED,
    EMPTY,
    FAILS,
    IGNORED,
    LIST,
    MAP,
    NEGATIVE,
    NUMBER,
    REFUSED,
    TEXT,
    USED,
    ZERO,
    Form,
    number,
)

_DURATION = re.compile(r"[1-9][0-9]*(s|m|h|d|w|mo)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_SIZE = re.compile(r"([0-9]+x)?[0-9]+(\.[0-9]+)?[KMBT]", re.IGNORECASE)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _list(value: object) -> bool:
    return isinstance(value, Sequence)


def _mapping(value: object) -> bool:
    return isinstance(value, Node)


def _bool(value: object) -> bool:
    return isinstance(value, bool)


def _texts(value: object) -> bool:
    return isinstance(value, Sequence) and all(isinstance(one, str) and one for one in value)


def _tags(value: object) -> bool:
    return _words(value) or (_texts(value) and bool(value))


def _words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _name(value: object) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def _size(value: object) -> bool:
    return isinstance(value, str) and bool(_SIZE.fullmatch(value))


def _ranks(value: object) -> bool:
    some = value.values() if isinstance(value, Node) else [None]
    return all(isinstance(one, int) and one is not True and one >= 1 for one in some)


def _header_values(value: object) -> bool:
    return isinstance(value, Node) and all(isinstance(one, str) for one in value.values())


def _any_number(value: object) -> bool:
    return not isinstance(value, str) and number(value) is not None


def _above(value: object) -> bool:
    return _any_number(value) and (number(value) or 0) > 0


def _at_least(value: object) -> bool:
    return _any_number(value) and (number(value) or 0) >= 0


def _whole(value: object) -> bool:
    return _above(value) and float(number(value) or 0).is_integer()


def _times(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10


def _price(value: object) -> bool:
    return _at_least(value) and (number(value) or 0) < 1


def _duration(value: object) -> bool:
    return isinstance(value, str) and bool(_DURATION.fullmatch(value))


def _vendor(value: object) -> bool:
    return isinstance(value, str) and value in PROVIDERS


def _id(value: object) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


_USED = {BOOL: USED, NUMBER: USED}
_A_TEXT = Form("a text", _text, DROPPED)
_A_LIST = Form("a list of texts", _texts, DROPPED)
_SECONDS = Form(
    "a number of seconds above 0", _above, FAILS,
    {**_USED, LIST: DROPPED, MAP: DROPPED, EMPTY: IGNORED, ZERO: IGNORED}, quoted=True,
)  # fmt: skip
_OF_ALL = _SECONDS._replace(kinds={**_USED, EMPTY: IGNORED, ZERO: IGNORED})
_LIMIT = Form(
    "a whole number above 0", _whole, DROPPED, {BOOL: USED, ZERO: IGNORED, NEGATIVE: FAILS},
    quoted=True,
)  # fmt: skip
_PRICE = Form(
    "dollars for a token, below 1", _price, DROPPED, {**_USED, NEGATIVE: USED}, quoted=True
)
_TOKENS = Form("a whole number above 0", _whole, FAILS, {**_USED, NEGATIVE: USED, ZERO: USED})
_TRIES = Form("a whole number from 0 to 10", _times, IGNORED, _USED)
_RANK = Form("a number", _any_number, IGNORED, _USED)
_SWITCH = Form("true or false", _bool, USED)

_TAGS = Form("a text or a list of texts", _tags, USED)

PARAM_FORMS: Mapping[str, Form] = {
    "api_base": _A_TEXT,
    "base_url": _A_TEXT,
    "api_key": _A_TEXT,
    "api_version": _A_TEXT,
    "litellm_credential_name": _A_TEXT,
    "custom_llm_provider": Form("a provider that LiteLLM knows", _vendor, DROPPED),
    "extra_headers": Form("a mapping of texts", _header_values, FAILS, {EMPTY: IGNORED}),
    "tags": _A_LIST,
    "tag_regex": _A_LIST,
    "weight": Form("a number of at least 0", _at_least, FAILS, {**_USED, NEGATIVE: IGNORED}),
    "order": _RANK,
    "rpm": _LIMIT,
    "tpm": _LIMIT._replace(kinds={**_LIMIT.kinds, NEGATIVE: IGNORED}),
    "timeout": _SECONDS,
    "stream_timeout": _SECONDS,
    "max_parallel_requests": Form(
        "a whole number above 0", _whole, FAILS, {**_USED, ZERO: IGNORED, EMPTY: IGNORED}
    ),
    "max_budget": Form(
        "dollars above 0", _above, DROPPED, {**_USED, NEGATIVE: FAILS, ZERO: USED}, quoted=True
    ),
    "budget_duration": Form(
        "a time such as 30d", _duration, DROPPED, {TEXT: IGNORED, EMPTY: IGNORED}
    ),
    "num_retries": _TRIES,
    "cooldown_time": Form("a number of seconds", _at_least, IGNORED, _USED),
    "input_cost_per_token": _PRICE,
    "output_cost_per_token": _PRICE,
}
INFO_FORMS: Mapping[str, Form] = {
    "id": Form("a text", _id, DROPPED, {BOOL: USED}),
    "mode": Form("a text", _text, FAILS),
    "enable_tag_filtering": Form("true or false", _bool, DROPPED, {ZERO: USED}),
    "max_input_tokens": _TOKENS,
    "max_output_tokens": _TOKENS,
    "order": _RANK,
    "input_cost_per_token": _PRICE,
    "output_cost_per_token": _PRICE,
    # Ours: LiteLLM reads none of them.
    "provider": Form("a name", _name, USED),
    "size": Form("a size such as 8B", _size, USED),
    "context_length": _TOKENS._replace(other=USED),
    "description": Form("a text", _words, USED),
    "notes": Form("a text", _words, USED),
    "specialty": _TAGS,
    "features": _TAGS,
    "tags": _TAGS,
}
ROUTER_FORMS: Mapping[str, Form] = {
    "model_group_alias": Form("a mapping", _mapping, REFUSED, {EMPTY: IGNORED, ZERO: IGNORED}),
    "routing_groups": Form("a list", _list, REFUSED, {EMPTY: IGNORED, ZERO: IGNORED}),
    "routing_strategy": Form("a text", _text, REFUSED),
    "provider_budget_config": Form("a mapping", _mapping, REFUSED),
    "num_retries": _TRIES,
    "timeout": _OF_ALL,
    "stream_timeout": _OF_ALL,
    "request_timeout": _OF_ALL,
    "enable_pre_call_checks": _SWITCH,
    "enable_weighted_failover": _SWITCH,
    "enable_tag_filtering": _SWITCH,
    "optional_pre_call_checks": Form("a list", _list, REFUSED, {TEXT: IGNORED, MAP: IGNORED}),
    "retry_policy": Form("a mapping", _mapping, IGNORED),
    "allowed_fails_policy": Form("a mapping", _mapping, IGNORED),
}
GROUP_FORMS: Mapping[str, Form] = {
    "routing_strategy": Form("a text", _text, REFUSED),
    "model_priorities": Form("a mapping of whole numbers from 1 on", _ranks, REFUSED),
}
# What the parts of the import calculate with.
NUMBERS = words("rpm tpm weight timeout max_parallel_requests order stream_timeout num_retries")
