-- Collected messages: a row per batch, and whose batch each message is.

CREATE TABLE millrace_batches (
    batch_id      {name} NOT NULL PRIMARY KEY,
    stream_name   {name} NOT NULL,
    state         {name} NOT NULL,   -- committed or published
    bucket        {text} NOT NULL,
    object_key    {text} NOT NULL,
    staged_bucket {text} NOT NULL,
    staged_key    {text} NOT NULL,
    message_count BIGINT NOT NULL,
    byte_count    BIGINT NOT NULL,
    opened_at     {time} NOT NULL,
    committed_at  {time} NOT NULL,
    published_at  {time}
);
CREATE INDEX millrace_batches_by_state ON millrace_batches (state, committed_at);
CREATE INDEX millrace_batches_by_stream ON millrace_batches (stream_name, committed_at);

CREATE TABLE millrace_collected (
    message_key {name} NOT NULL PRIMARY KEY,
    batch_id    {name} NOT NULL,
    forget_at   {time} NOT NULL
);
CREATE INDEX millrace_collected_by_batch ON millrace_collected (batch_id);
CREATE INDEX millrace_collected_by_time ON millrace_collected (forget_at);
