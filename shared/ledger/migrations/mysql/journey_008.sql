-- Collected messages, as in ../journey_008.sql.

CREATE TABLE IF NOT EXISTS millrace_batches (
    batch_id      {name} NOT NULL PRIMARY KEY,
    stream_name   {name} NOT NULL,
    state         {name} NOT NULL,
    bucket        {text} NOT NULL,
    object_key    {text} NOT NULL,
    staged_bucket {text} NOT NULL,
    staged_key    {text} NOT NULL,
    message_count BIGINT NOT NULL,
    byte_count    BIGINT NOT NULL,
    opened_at     {time} NOT NULL,
    committed_at  {time} NOT NULL,
    published_at  {time},
    INDEX millrace_batches_by_state (state, committed_at),
    INDEX millrace_batches_by_stream (stream_name, committed_at)
){table};

CREATE TABLE IF NOT EXISTS millrace_collected (
    message_key {name} NOT NULL PRIMARY KEY,
    batch_id    {name} NOT NULL,
    forget_at   {time} NOT NULL,
    INDEX millrace_collected_by_batch (batch_id),
    INDEX millrace_collected_by_time (forget_at)
){table};
