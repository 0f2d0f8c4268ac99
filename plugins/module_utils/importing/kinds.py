# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mistakes that an import finds: one row each, with what LiteLLM really does today.

Measured with LiteLLM 1.106.2; tests/unit/test_import_litellm.py asks it again. docs/import.md shows
this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .effects import DROPPED, FAILS, IGNORED, MISROUTED, NOTE, REFUSED, SECRET


@dataclass(frozen=True)
class Kind:
    """One kind of finding: what becomes of it, what happens today, what the registry says."""

    effect: str
    today: str
    instead: str


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        # Secrets
        "literal-key": Kind(
            SECRET,
            "whoever reads the file has the key",
            "the name of a variable; give its value in the environment or a vault, and change"
            " the key, for it may have been seen",
        ),
        # LiteLLM does not start
        "yaml-syntax": Kind(
            REFUSED, "the start fails: the file is no YAML", "what stands before it"
        ),
        "fallbacks-shape": Kind(
            REFUSED, "the start fails: it wants `- name: [others]`", "the fallback, as it was meant"
        ),
        "unknown-strategy": Kind(REFUSED, "the start fails", "the nearest strategy, or none"),
        "two-routing-groups": Kind(
            REFUSED,
            "the start fails: a model may be in one routing group only",
            "both: each capability has its own copies",
        ),
        "bad-value-refused": Kind(
            REFUSED, "the start fails: nothing of this kind can stand here", "nothing in its place"
        ),
        "missing-part": Kind(
            REFUSED, "the start fails: the entry lacks what it needs", "nothing: it is left out"
        ),
        "weak-master-key": Kind(
            REFUSED, "the start fails, or everybody may ask", "the role `gateway` makes a key"
        ),
        # Requests fail
        "alias-to-list": Kind(
            FAILS,
            "starts; the alias is not listed and a request for it is answered by 400",
            "a capability of that name, over the models of the list",
        ),
        "alias-unknown": Kind(
            FAILS, "starts; a request for it is answered by 400", "nothing: it leads nowhere"
        ),
        "alias-of-alias": Kind(
            FAILS, "starts; a request for it is answered by 400", "the name at the end of the chain"
        ),
        "bad-value-fails": Kind(
            FAILS, "starts; each request is answered by 500", "nothing in its place"
        ),
        "embedding-prefix": Kind(
            FAILS, "ollama_chat/ cannot embed: 400", "`mode: embedding`, which chooses the prefix"
        ),
        "endpoint-in-base": Kind(
            FAILS, "LiteLLM appends the path once more: 404", "the address without the endpoint"
        ),
        "version-in-base": Kind(
            FAILS, "LiteLLM appends the path to the root of the API: 404", "the address without /v1"
        ),
        # Misrouted
        "key-sent-literally": Kind(
            MISROUTED,
            "this very text is sent as the key: LiteLLM reads only `os.environ/NAME`",
            "`env_var` with the name",
        ),
        "header-sent-literally": Kind(
            MISROUTED,
            "this very text is sent: LiteLLM resolves only a whole value `os.environ/NAME`",
            "the header with ${NAME}, which is made when the secrets are written",
        ),
        "variable-sent-literally": Kind(
            MISROUTED,
            "this very text is taken: LiteLLM reads only `os.environ/NAME`",
            "a value of its own",
        ),
        "key-may-be-anothers": Kind(
            MISROUTED,
            "without a value OPENAI_API_KEY, if it is set, is sent to this address",
            "only its own key is ever sent; a deploy stops where it is missing",
        ),
        "base-from-environment": Kind(
            MISROUTED,
            "where the variable is missing, requests go to the vendor's own address, unsaid",
            "the address itself",
        ),
        "alias-hijacks": Kind(
            MISROUTED,
            "the alias takes all requests for the model of that name, unsaid",
            "the same; take its entry out if it was not meant",
        ),
        "partial-weights": Kind(
            MISROUTED,
            "those without a weight get no traffic at all",
            "the weight 0, which is the same and can be read",
        ),
        "partial-order": Kind(
            MISROUTED,
            "beside deployments with an order, those without are never asked",
            "a place after all of them",
        ),
        "limit-as-weight": Kind(
            MISROUTED,
            "rpm and tpm also count as weights; those without one get no traffic",
            "equal shares, and the limits as limits",
        ),
        "order-beside-weights": Kind(
            MISROUTED,
            "when one of the first fails, the next order is asked and never the other one",
            "all of a rank are asked before the next rank",
        ),
        "sent-upstream": Kind(
            MISROUTED,
            "no parameter of LiteLLM's: it is sent to the provider in each request's body",
            "nothing: it is left out",
        ),
        "wildcard-fallback": Kind(
            MISROUTED,
            "a fallback under a wildcard's name is never taken by a name that it covers",
            "the pattern's own `fallback`",
        ),
        "default-fallback": Kind(
            MISROUTED,
            "names that do not exist are answered as well",
            "`default_fallback`, for names that exist",
        ),
        "ollama-spawned": Kind(
            MISROUTED,
            "without an api_base LiteLLM starts `ollama serve` on its own host",
            "the address, http://127.0.0.1:11434",
        ),
        "in-process-vllm": Kind(
            MISROUTED,
            "`vllm/` loads the model into the gateway itself",
            "type vllm, which is asked by `hosted_vllm/`",
        ),
        # Dropped
        "deployment-dropped": Kind(
            DROPPED, "one line in the log; the deployment is missing, the service starts",
            "what can be read of it",
        ),
        "fallback-twice": Kind(
            DROPPED, "only the first list for a name is used, unsaid", "the first list"
        ),
        "fallbacks-overridden": Kind(
            DROPPED, "those of router_settings win, unsaid", "those of router_settings"
        ),
        "duplicate-key": Kind(DROPPED, "YAML: the last of them wins, unsaid", "the last of them"),
        "include-replaces": Kind(
            DROPPED,
            "the included file's section replaces this one as a whole, unsaid",
            "the included one",
        ),
        # No effect
        "ignored-key": Kind(IGNORED, "ignored without a word", "nothing: it is left out"),
        "ignored-section": Kind(IGNORED, "the whole section is ignored without a word", "nothing"),
        "unknown-router-setting": Kind(
            IGNORED, "a warning in the log, then ignored", "nothing: it is left out"
        ),
        "misplaced-key": Kind(
            IGNORED, "it has no effect in this section, unsaid", "as if it stood where it belongs"
        ),
        "context-fallbacks-shape": Kind(
            IGNORED, "never taken, unsaid: it wants `- name: [others]`", "the chain as it was meant"
        ),
        "fallback-string": Kind(
            IGNORED, "a text is taken letter by letter: no fallback", "the fallback as it was meant"
        ),
        "fallback-unknown": Kind(IGNORED, "never found, unsaid", "nothing: it leads nowhere"),
        "fallback-from-unknown": Kind(IGNORED, "never asked, unsaid", "nothing in its place"),
        "fallback-cycle": Kind(
            IGNORED, "leads back to what has failed already, unsaid", "the chain without this step"
        ),
        "bad-value-ignored": Kind(IGNORED, "the value is ignored, unsaid", "nothing in its place"),
        "unknown-policy-key": Kind(IGNORED, "ignored without a word", "nothing: it is left out"),
        "budget-not-enforced": Kind(
            IGNORED, "never enforced, unsaid: it has no `budget_duration`", "the budget over 30d"
        ),
        "limits-not-enforced": Kind(
            IGNORED,
            "nothing holds rpm and tpm without `enable_pre_call_checks`",
            "limits that hold",
        ),
        "duplicate-id": Kind(
            IGNORED, "both have one id; metrics and cooldown mix them up", "ids of its own"
        ),
        # Notes
        "yaml-surprise": Kind(NOTE, "YAML reads it so, whatever was meant", "what YAML reads"),
        "shared-name": Kind(
            NOTE, "the deployments of this name share its requests", "the same shares"
        ),
        "bare-model": Kind(
            NOTE,
            "works as long as LiteLLM's list of names has it; else the deployment is dropped",
            "a provider that is named",
        ),
        "base-without-version": Kind(
            NOTE, "asked without /v1, where most servers answer 404", "the address with /v1"
        ),
        "alias-without-fallback": Kind(
            NOTE, "an alias takes none of its model's fallbacks along", "the same fallbacks"
        ),
        "ollama-generate": Kind(
            NOTE,
            "`ollama/` has LiteLLM make one prompt of the messages, for /api/generate",
            "`ollama_chat/`, by which the model's own template is used",
        ),
        "budget-per-name": Kind(
            NOTE,
            "each name of this model has a budget by itself, or none",
            "one budget for all of its names, the sum of these",
        ),
        "limit-per-name": Kind(
            NOTE,
            "each name of this model counts by itself, so that together they let more through",
            "one count for all of its names, the largest of these limits",
        ),
    }
)  # fmt: skip
