"""Writes the tables of keys of the import from the LiteLLM that runs this.

build/venvs/litellm/bin/python tests/tools/litellm_keys.py [--check]
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
FOLDER = Path(__file__).resolve().parents[2] / "plugins/module_utils/importing"
COST = re.compile(r"(in|out)put_cost_per_|cache_(creation|read)_input_|_cost_per_|cost_per_second")
# Of the module's own names: what is no setting.
NO_SETTING = re.compile(
    r"_models$|_(chat|text)_completions?$|_instance$|_transformation$|_embed(ding)?$|_llms?$|_emb$"
    r"|_rerank$|_image_(edit|generation|variations)$|_assistants_api$|audio_transcriptions$"
    r"|_handler$|^(tracer|email|token|headers|retry|logging|annotations|project|adapters|http2"
    r"|verbose_logger|models_by_provider|model_list_set|model_cost|a?client_session)$"
)
# Read by name in places that no table of LiteLLM's lists.
MORE_SETTINGS = """guardrails global_prompt_directory priority_reservation_settings cache_params
    model_group_settings responses budget_reset_time enable_redis_auth_cache mcp_aliases
    mcp_semantic_tool_filter websearch_interception_params callbacks"""
MORE_PARAMS = """base_url input_type dimensions encoding_format prompt suffix echo best_of"""
NO_PARAMS = "model_list self client messages fallback_depth complete_response azure id verbose"
MORE_INFO = """mode max_tokens max_input_tokens max_output_tokens health_check_model
    health_check_timeout health_check_max_tokens disable_background_health_check access_groups
    health_check_voice litellm_provider supported_openai_params supported_environments
    supported_endpoints tpm rpm order"""
SECTIONS = """model_list router_settings litellm_settings general_settings environment_variables
    include callback_settings credential_list guardrails mcp_servers mcp_tools search_tools
    vector_store_registry files_settings finetune_settings assistant_settings prompts policies
    policy_attachments agent_list agents plugins pass_through_endpoints sandbox_tools
    worker_registry default_vertex_config classifier_plugin"""
HEAD = '''\
# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""{}

Written by tests/tools/litellm_keys.py; a test holds it to the real LiteLLM.
"""

from __future__ import annotations
'''


def table(name: str, words: Iterable[str], says: str) -> str:
    """One table, as ruff would format it."""
    text = textwrap.fill(" ".join(sorted(words)), 96, break_on_hyphens=False)
    return f'# {says}\n{name} = words(\n    """\n{textwrap.indent(text, "    ")}\n    """\n)\n'


def general_settings() -> set[str]:
    """What the proxy asks of general_settings anywhere in its source."""
    import litellm
    from litellm.proxy._types import ConfigGeneralSettings

    found = set(ConfigGeneralSettings.model_fields)
    for file in (Path(litellm.__file__).parent / "proxy").rglob("*.py"):
        text = file.read_text()
        found.update(re.findall(r'general_settings(?:\.get\(\s*|\[)"([a-z_0-9]+)"', text))
    return found


def keys() -> str:
    """importing/keys.py."""
    import litellm
    from litellm.types import router
    from litellm.types.utils import ModelInfoBase, all_litellm_params

    params = {*router.LiteLLM_Params.model_fields, *all_litellm_params, *MORE_PARAMS.split()}
    params |= set(litellm.OPENAI_CHAT_COMPLETION_PARAMS)
    params |= set(litellm.constants.DEFAULT_CHAT_COMPLETION_PARAM_VALUES)
    params -= set(NO_PARAMS.split())
    params = {one for one in params if one[0] != "_" and not COST.search(one)}
    info = {one for one in router.ModelInfo.model_fields if "cost" not in one}
    info |= {one for one in ModelInfoBase.__annotations__ if one.startswith("supports_")}
    info |= set(MORE_INFO.split())
    head = HEAD.format("The keys that LiteLLM knows, and where; others have no effect there.")
    return head + "".join(
        (
            "\nimport re\n\n\ndef words(text: str) -> frozenset[str]:\n",
            '    """The words of a text."""\n    return frozenset(text.split())\n\n\n',
            table("SECTIONS", SECTIONS.split(), "Top level."),
            'ENTRY = words("model_name litellm_params model_info")\n',
            table("PARAMS", params, "litellm_params; prices are matched by COST."),
            f'COST = re.compile(r"{COST.pattern}")\n',
            table("INFO", info, "model_info, as far as anything reads it."),
            table("ROUTER", litellm.Router.get_valid_args(), "router_settings."),
            table("RETRY_POLICY", router.RetryPolicy.model_fields, "Inside retry_policy."),
            table("FAILS_POLICY", router.AllowedFailsPolicy.model_fields, "allowed_fails_policy."),
        )
    )


def keys_settings() -> str:
    """importing/keys_settings.py."""
    import litellm

    def is_setting(name: str) -> bool:
        value = getattr(litellm, name)
        good = name == name.lower() and len(name) > 2 and name[0] != "_"
        return (
            good
            and not NO_SETTING.search(name)
            and not (inspect.ismodule(value) or callable(value))
        )

    # Modules that are loaded late would be names of it as well.
    named = {name for name in dir(litellm) if is_setting(name)} | set(MORE_SETTINGS.split())
    head = HEAD.format("The keys of LiteLLM's own settings.")
    return head + "".join(
        (
            "\nfrom .keys import words\n\n",
            table("SETTINGS", named, "litellm_settings."),
            table("GENERAL", general_settings(), "general_settings."),
        )
    )


def main() -> int:
    """Writes both; with --check only says whether they are what they should be."""
    bad = 0
    for name, text in (("keys_settings.py", keys_settings()), ("keys.py", keys())):
        file = FOLDER / name
        if "--check" in sys.argv:
            if file.read_text() != text:
                print(f"{file} is not what LiteLLM knows: run {Path(__file__).name}")
                bad = 1
        else:
            file.write_text(text)
    return bad


if __name__ == "__main__":
    sys.exit(main())
