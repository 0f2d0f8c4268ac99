# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules about what a provider answers: its health, its key, its models."""

from __future__ import annotations

from .rule import LOG, ROTATE, SITE, Rule

RULES = (
    # Health.
    Rule(
        "health_here",
        ("loading",),
        "{unit} on {target} runs and is not ready yet: it still loads its model.",
        f"Wait. {LOG}",
    ),
    Rule(
        "health",
        ("silent",),
        "{url} takes connections and gives no answer: the server hangs, or is overloaded.",
        "See its log, and restart it.",
    ),
    Rule(
        "health",
        ("loading",),
        "{url} says 503: it starts, loads a model, or has more to do than it can.",
        "Wait, and see its log if that lasts.",
    ),
    Rule(
        "health",
        ("broken", "no_answer", "refused"),
        "The server itself is ill: {url} says {seen}.",
        "See its log, and restart it.",
    ),
    # The key.
    Rule(
        "key",
        ("missing",),
        "The gateway has no value for {variable}, so no key is sent.",
        "Export {variable} where Ansible runs, or put it into llm_secrets, then site.yml.",
    ),
    Rule(
        "key",
        ("blank",),
        "The value of {variable} on {at} begins or ends with a blank, which providers refuse.",
        f"Give it again without: {ROTATE}",
    ),
    Rule(
        "key_here",
        ("missing",),
        "{unit} on {target} runs without the key that it is to demand.",
        SITE,
    ),
    Rule(
        "models",
        ("key_refused",),
        "The gateway's {variable} is not the key that {unit} on {target} demands.",
        f"Give both the same: {ROTATE}",
        (("models_here", "ok"), ("key", "ok")),
    ),
    Rule(
        "key_here",
        ("older",),
        "{unit} on {target} still runs with the key of before: its file has another.",
        "Restart it: `{restart}`",
        (("models", "key_refused"),),
    ),
    Rule(
        "models",
        ("key_refused",),
        "{provider} wants a key, and the registry names none.",
        "Write `env_var: NAME_OF_A_VARIABLE` at {place}, export that variable, then site.yml.",
        (("key", "none"),),
    ),
    Rule(
        "models",
        ("key_refused",),
        "{provider} refuses the value of {variable}: it is wrong, was withdrawn, or is another "
        "account's.",
        f"Give the right one: {ROTATE}",
    ),
    Rule(
        "models",
        ("forbidden",),
        "{provider} knows the key of {variable}, and does not let it in (403): {seen}.",
        "See at the provider what the key, its project and this address may do.",
    ),
    Rule(
        "models",
        ("limited",),
        "The limit of {provider} is reached (429): {seen}.",
        "Wait, ask it for less (rate_limit_settings), or raise the limit there.",
    ),
    Rule(
        "key",
        ("older",),
        "The process that serves on {at} has another value of {variable} than its file.",
        SITE,
    ),
    # Its addresses.
    Rule(
        "models",
        ("not_found",),
        "There is no API at {url} (404): the base URL at {place} has a wrong path, or another "
        "type.",
        "Correct `base_url` or `type` at {place}.",
        (("health", "*"),),
    ),
    Rule(
        "models",
        ("redirect",),
        "{url} sends on to {location}, and LiteLLM's requests are not meant to follow.",
        "Write that address as `base_url` at {place}.",
    ),
    Rule(
        "health",
        ("not_found", "redirect", "refused_request"),
        "There is no health endpoint at {url} ({status_code}), and the provider answers otherwise.",
        "Correct `health_endpoint` at {place}.",
        (("models", "ok"),),
    ),
    Rule(
        "health",
        ("key_refused", "forbidden"),
        "The health endpoint {url} wants a key ({status_code}), which it is not sent.",
        "Write a `health_endpoint` at {place} that answers to anybody, or under its own address.",
        (("models", "ok"),),
    ),
    # The models.
    Rule(
        "models",
        ("model_missing",),
        "{provider} does not have {missing}: it lists {listed}.",
        "Have it load {missing}, or correct the model's name at {place}.",
    ),
    Rule(
        "models",
        ("model_failed",),
        "{failed} failed to load at {provider}.",
        f"The reason stands in its journal. {LOG}",
    ),
    Rule(
        "models",
        ("not_found", "no_list"),
        "{url} gives no list of models ({status_code}), so its names could not be compared.",
        "If that is a server of yours: correct `base_url` at {place}.",
    ),
    Rule(
        "models",
        ("silent", "broken", "no_answer", "refused", "loading", "refused_request"),
        "{provider} does not answer as an API does: {url} says {seen}.",
        "See the server's log.",
    ),
)
