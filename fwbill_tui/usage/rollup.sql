-- The rollup that fwbill opens with --rollup, from a table of usage events with the columns of Fireworks' export.
-- Put your table in place of usage_events, and run it in a session whose time zone is UTC.
-- A further column that is to be a label goes wherever email is.
-- An event without the cached split counts as fwbill counts it: nothing cached, or what the other part leaves of the prompt.
SELECT
    bucket, usage_type, base_model_name, model_bucket, email, accelerator_type,
    COUNT(*) AS events,
    CAST(COALESCE(SUM(prompt), 0) AS BIGINT) AS prompt_tokens,
    CAST(COALESCE(SUM(cached), 0) AS BIGINT) AS cached_prompt_tokens,
    CAST(COALESCE(SUM(uncached), 0) AS BIGINT) AS uncached_prompt_tokens,
    CAST(COALESCE(SUM(completion), 0) AS BIGINT) AS completion_tokens,
    COALESCE(SUM(seconds), 0) AS accelerator_seconds
FROM (
    SELECT
        DATE_TRUNC('hour', start_time) AS bucket,
        usage_type,
        NULLIF(base_model_name, '') AS base_model_name,
        NULLIF(model_bucket, '') AS model_bucket,
        NULLIF(email, '') AS email,
        NULLIF(accelerator_type, '') AS accelerator_type,
        prompt_tokens AS prompt,
        COALESCE(cached_prompt_tokens, CASE
            WHEN prompt_tokens IS NOT NULL AND uncached_prompt_tokens IS NULL THEN 0
            WHEN prompt_tokens >= uncached_prompt_tokens THEN prompt_tokens - uncached_prompt_tokens
        END) AS cached,
        COALESCE(uncached_prompt_tokens, CASE
            WHEN cached_prompt_tokens IS NULL THEN prompt_tokens
            WHEN prompt_tokens >= cached_prompt_tokens THEN prompt_tokens - cached_prompt_tokens
        END) AS uncached,
        completion_tokens AS completion,
        accelerator_seconds AS seconds
    FROM usage_events
    WHERE start_time IS NOT NULL AND usage_type <> ''
) AS one_event_each
GROUP BY bucket, usage_type, base_model_name, model_bucket, email, accelerator_type
