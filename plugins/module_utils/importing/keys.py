# Copyright (c) 2026, lab.llm contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys that LiteLLM knows, and where; others have no effect there.

Written by tests/tools/litellm_keys.py; a test holds it to the real LiteLLM.
"""

from __future__ import annotations

import re


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


# Top level.
SECTIONS = words(
    """
    agent_list agents assistant_settings callback_settings classifier_plugin credential_list
    default_vertex_config environment_variables files_settings finetune_settings general_settings
    guardrails include litellm_settings mcp_servers mcp_tools model_list pass_through_endpoints
    plugins policies policy_attachments prompts router_settings sandbox_tools search_tools
    vector_store_registry worker_registry
    """
)
ENTRY = words("model_name litellm_params model_info")
# litellm_params; prices are matched by COST.
PARAMS = words(
    """
    acompletion adaptive_router_config adaptive_router_default_model additional_drop_params
    aembedding aimg_generation allm_passthrough_route allow_client_keepalive_override
    allowed_model_region allowed_openai_params anthropic_disable_workload_identity_federation
    anthropic_federation_rule_id anthropic_federation_workspace_id anthropic_identity_source
    anthropic_identity_token anthropic_identity_token_file anthropic_issuer_audience
    anthropic_issuer_signing_key_ref anthropic_issuer_subject anthropic_issuer_ttl_seconds
    anthropic_issuer_url anthropic_keycloak_auth_method anthropic_keycloak_client_id
    anthropic_keycloak_client_secret_ref anthropic_keycloak_scope anthropic_keycloak_token_url
    anthropic_organization_id anthropic_service_account_id api_base api_key api_version
    arize_api_key arize_error_sampling_rate arize_otlp_protocol arize_space_id arize_space_key
    arize_success_sampling_rate assistant_continue_message async_call atext_completion
    attempted_targets audio auto_router_config auto_router_config_path auto_router_default_model
    auto_router_embedding_model auto_router_max_input_chars auto_router_model_compression
    auto_router_routing_compression aws_access_key_id aws_batch_role_arn aws_bedrock_project_id
    aws_bedrock_runtime_endpoint aws_external_id aws_profile_name aws_region_name aws_role_name
    aws_secret_access_key aws_session_name aws_session_tags aws_session_token aws_sts_endpoint
    aws_web_identity_token azure_ad_token azure_ad_token_provider azure_password azure_scope
    azure_username base_model base_url bedrock_tags best_of bos_token bucket_name budget_duration
    cache cache_key caching caching_groups client_id client_secret client_side_timeout
    completion_call_id complexity_router_config complexity_router_default_model
    configurable_clientside_auth_params context_management context_window_fallback_dict
    cooldown_time cost_per_query custom_llm_provider custom_prompt_dict data_residency dd_agent_host
    dd_agent_port dd_api_key dd_site default_api_key_rpm_limit default_api_key_tpm_limit
    default_headers deployment_id dimensions disable_add_transform_inline_image_block drop_params
    echo enable_json_schema_validation enable_prompt_caching enable_tag_filtering encoding_format
    ensure_alternating_roles eos_token extra_headers fallbacks fastest_response final_prompt_value
    fireworks_forward_user_id force_timeout frequency_penalty function_call functions
    gcs_bucket_name gcs_path_service_account guardrails headers hf_model_name humanloop_api_key
    include_server_side_tool_invocations input_type itpm keepalive_seconds langfuse_environment
    langfuse_host langfuse_prompt_version langfuse_public_key langfuse_secret langfuse_secret_key
    langfuse_span_scope langsmith_api_key langsmith_base_url langsmith_project
    langsmith_sampling_rate langsmith_tenant_id litellm_call_id litellm_credential_name
    litellm_disabled_callbacks litellm_logging_obj litellm_metadata litellm_request_debug
    litellm_session_id litellm_system_prompt litellm_trace_id litellm_trusted_callback_vars
    log_client_error_tracebacks logger_fn logit_bias logprobs max_agentic_loops max_budget
    max_completion_tokens max_fallbacks max_file_size_mb max_parallel_requests max_retries
    max_tokens merge_reasoning_content_in_choices metadata milvus_db_name milvus_partition_names
    milvus_text_field mock_response mock_timeout modalities model model_alias_map model_config
    model_file_id_mapping model_info n newrelic_api_key newrelic_region no-log num_retries
    openai_identity_provider_id openai_identity_token_file openai_service_account_id order
    organization otpm output_vector_size parallel_tool_calls posthog_api_key posthog_api_url
    prediction presence_penalty preset_cache_key prompt prompt_cache_key prompt_cache_retention
    prompt_environment prompt_id prompt_label prompt_variables prompt_version
    provider_affinity_header provider_specific_header proxy_server_request quality_router_config
    quality_router_default_model reasoning_effort region_name regional_endpoint_uplift_multiplier
    regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us
    request_timeout response_format retry_policy retry_strategy roles routing_strategy rpm rust
    s3_access_key_id s3_bucket_name s3_bucket_owner s3_encryption_key_id s3_endpoint_url
    s3_output_bucket_name s3_region_name s3_secret_access_key safety_identifier search_tool_name
    secret_fields seed service_tier shared_session signoz_ingestion_endpoint signoz_ingestion_key
    silent_model ssl_verify stop store stream stream_chunk_size stream_options stream_response
    stream_timeout stream_timeout_by_service_tier suffix supports_system_message tag_regex tags
    temperature tenant_id text_completion thinking tiered_pricing timeout timeout_by_service_tier
    tool_choice tools top_logprobs top_p tpm ttl turn_off_message_logging use_chat_completions_api
    use_client use_in_pass_through use_litellm_proxy use_xai_oauth user user_continue_message
    valkey_embedding_field valkey_host valkey_password valkey_port valkey_ssl valkey_text_field
    vector_store_id verbosity vertex_credentials vertex_location vertex_project wandb_api_key
    watsonx_region_name weave_project_id web_search_options weight
    """
)
COST = re.compile(r"(in|out)put_cost_per_|cache_(creation|read)_input_|_cost_per_|cost_per_second")
# model_info, as far as anything reads it.
INFO = words(
    """
    access_groups access_windows allow_fail_open base_model blocked created_at created_by db_model
    disable_background_health_check discoverable enable_tag_filtering health_check_max_tokens
    health_check_model health_check_timeout health_check_voice id internal_router_model
    litellm_provider max_input_tokens max_output_tokens max_tokens member_auto_router mode order
    ptu_count ptu_effective_from ptu_effective_to rpm supported_endpoints supported_environments
    supported_openai_params supports_adaptive_thinking supports_anthropic_compaction
    supports_anthropic_thinking_payload supports_assistant_prefill supports_audio_input
    supports_audio_output supports_box_questions supports_computer_use
    supports_embedding_image_input supports_function_calling supports_image_size
    supports_legacy_thinking supports_low_reasoning_effort supports_max_reasoning_effort
    supports_mid_conversation_system supports_minimal_reasoning_effort supports_native_streaming
    supports_native_structured_output supports_none_reasoning_effort supports_output_config
    supports_parallel_function_calling supports_pdf_input supports_prompt_cache_breakpoint
    supports_prompt_caching supports_reasoning supports_regex_lookaround supports_response_schema
    supports_system_messages supports_thinking_cache_preservation supports_tool_choice
    supports_tool_search supports_url_context supports_video_input supports_vision
    supports_web_search supports_xhigh_reasoning_effort team_id team_public_model_name tier
    tiered_pricing tpm updated_at updated_by
    """
)
# router_settings.
ROUTER = words(
    """
    alerting_config allowed_fails allowed_fails_policy assistants_config
    auto_router_capability_limit background_health_check_model_groups cache_kwargs cache_responses
    caching_groups client_ttl content_policy_fallbacks context_window_fallbacks cooldown_time
    debug_level default_fallbacks default_litellm_params default_max_parallel_requests
    default_priority deployment_affinity_ttl_seconds disable_cooldowns enable_health_check_routing
    enable_pre_call_checks enable_tag_filtering enable_weighted_failover fallback_access_check
    fallback_budget_check fallbacks guardrail_list health_check_ignore_transient_errors
    health_check_staleness_threshold ignore_invalid_deployments max_fallbacks
    model_group_affinity_config model_group_alias model_group_retry_policy model_list num_retries
    optional_pre_call_checks plugins polling_interval provider_budget_config redis_db redis_host
    redis_password redis_port redis_url retry_after retry_policy router_general_settings
    routing_groups routing_strategy routing_strategy_args search_tools set_verbose stream_timeout
    tag_filtering_match_any tag_routing_prefix timeout
    """
)
# Inside retry_policy.
RETRY_POLICY = words(
    """
    AuthenticationErrorRetries BadRequestErrorRetries ContentPolicyViolationErrorRetries
    DefaultRetries InternalServerErrorRetries NotFoundErrorRetries RateLimitErrorRetries
    ServiceUnavailableErrorRetries TimeoutErrorRetries
    """
)
# allowed_fails_policy.
FAILS_POLICY = words(
    """
    AuthenticationErrorAllowedFails BadGatewayErrorAllowedFails BadRequestErrorAllowedFails
    ContentPolicyViolationErrorAllowedFails InternalServerErrorAllowedFails
    NotFoundErrorAllowedFails RateLimitErrorAllowedFails ServiceUnavailableErrorAllowedFails
    TimeoutErrorAllowedFails
    """
)
