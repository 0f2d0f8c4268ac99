# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a provider is given its key: names of variables only, never a value."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .provider_types import ProviderType

# Said to upstreams that ask for no key: without it LiteLLM would send OPENAI_API_KEY's value.
NO_KEY = "no-key-needed"
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_BEARER = re.compile(r"Bearer \$\{([A-Za-z_][A-Za-z0-9_]*)\}")
# Other names under which people keep the variables that `parameters` lists.
_ALIASES = {
    "aws_region": "aws_region_name",
    "aws_default_region": "aws_region_name",
    "aws_session_token": "aws_session_token",
    "google_application_credentials": "vertex_credentials",
    "vertexai_credentials": "vertex_credentials",
    "vertexai_project": "vertex_project",
    "vertexai_location": "vertex_location",
}
# Not asked for where a key does their work.
SECRET_PARAMETERS = ("aws_access_key_id", "aws_secret_access_key")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What one provider is sent.

    `key` is the variable whose value goes out as the key ("" if none), `parameters` are
    LiteLLM parameters -> variable for types that sign, `headers` extra headers as LiteLLM takes
    them, `composed` variables that the secrets step makes from a template, `variables` all the
    variables that a person must supply.
    """

    key: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    composed: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()


def environ(variable: str) -> str:
    """How LiteLLM is told to read a variable; it works as a whole value only."""
    return f"os.environ/{variable}"


def bearer_variable(headers: Mapping[str, str]) -> str:
    """The variable of an `Authorization: Bearer ${VAR}` header, or ""."""
    for name, value in headers.items():
        match = _BEARER.fullmatch(value) if name.lower() == "authorization" else None
        if match:
            return match[1]
    return ""


def signing_parameter(row: ProviderType, variable: str) -> str:
    """The LiteLLM parameter that a variable such as PROD_AWS_REGION_NAME is for, or ""."""
    name = variable.lower()
    for parameter in row.parameters:
        if name.endswith(parameter):
            return parameter
    return next((to for alias, to in _ALIASES.items() if name.endswith(alias)), "")


def credentials(
    provider: str,
    row: ProviderType,
    env_var: str = "",
    env_vars: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    needs_key: bool | None = None,
) -> Credentials:
    """What `provider` is sent. `needs_key` False means: no key, whatever the type's usual one."""
    headers = headers or {}
    bearer = bearer_variable(headers) if row.bearer else ""
    in_headers = {name for value in headers.values() for name in VARIABLE.findall(value)}
    parameters: dict[str, str] = {}
    if row.parameters:
        key, parameters = _signing(row, env_var, env_vars, needs_key)
    else:
        given = [env_var, *env_vars]
        key = bearer or next((name for name in given if name and name not in in_headers), "")
        if not key and needs_key is not False and not in_headers:
            key = row.key_variable
    sent, composed = _extra_headers(provider, headers, bearer)
    names = dict.fromkeys([*([key] if key else []), *parameters.values(), *sorted(in_headers)])
    return Credentials(key, parameters, sent, composed, tuple(names))


def _signing(
    row: ProviderType, env_var: str, env_vars: Iterable[str], needs_key: bool | None
) -> tuple[str, dict[str, str]]:
    """(key, parameters) of a type that signs; with a key it needs no secret parameters.

    Where no key is needed the host itself has the right (a role): nothing secret is sent then.
    """
    chosen = {signing_parameter(row, name): name for name in [*env_vars, env_var]}
    chosen.pop("", None)
    key = "" if signing_parameter(row, env_var) else env_var
    key = key or next((name for name in env_vars if is_token(name)), "")
    unneeded = SECRET_PARAMETERS if key or needs_key is False else ()
    usual = {name: to for name, to in row.parameters.items() if name not in unneeded}
    return key, {**usual, **chosen}


def is_token(variable: str) -> bool:
    """Whether a variable of a type that signs is a key instead, by its name."""
    return "BEARER_TOKEN" in variable.upper() or variable.upper().endswith("API_KEY")


def _extra_headers(
    provider: str, headers: Mapping[str, str], bearer: str
) -> tuple[dict[str, str], dict[str, str]]:
    sent: dict[str, str] = {}
    composed: dict[str, str] = {}
    for name, value in headers.items():
        if bearer and name.lower() == "authorization":
            continue
        whole = VARIABLE.fullmatch(value)
        if whole:
            sent[name] = environ(whole[1])
        elif VARIABLE.search(value):
            variable = header_variable(provider, name, value)
            composed[variable] = value
            sent[name] = environ(variable)
        else:
            sent[name] = value
    return sent, composed


def header_variable(provider: str, header: str, template: str) -> str:
    """The variable that holds a header made of text and variables. Another text is another one:
    a gateway that goes back to an older configuration sends the text of that one."""
    text = hashlib.sha256(template.encode()).hexdigest()[:8]
    return "LLM_HEADER_" + re.sub(r"[^A-Z0-9]", "_", f"{provider}_{header}_{text}".upper())
