-- Exports: a row per run, and how far incremental exports have come.

CREATE TABLE millrace_exports (
    run_id         {name} NOT NULL PRIMARY KEY,
    export_name    {name} NOT NULL,
    scheduled_at   {time} NOT NULL,   -- the time the run is for
    parameters     {text} NOT NULL,   -- JSON: what its message brought
    trace_id       {text} NOT NULL,
    state          {name} NOT NULL,   -- running, done or failed
    fence          BIGINT NOT NULL,   -- counts claims: only the newest may end the run
    claimed_until  {time} NOT NULL,
    watermark_key  {name} NOT NULL,
    watermark_from {text},
    watermark_to   {text},
    row_count      BIGINT,
    object_count   BIGINT,
    byte_count     BIGINT,
    manifest       {text},            -- s3://…
    reason         {text},
    started_at     {time} NOT NULL,
    finished_at    {time},
    duration_ms    BIGINT
);
CREATE INDEX millrace_exports_by_name ON millrace_exports (export_name, scheduled_at);
CREATE INDEX millrace_exports_by_watermark ON millrace_exports (watermark_key, state);

CREATE TABLE millrace_watermarks (
    watermark_key {name} NOT NULL PRIMARY KEY,
    export_name   {name} NOT NULL,
    column_name   {text} NOT NULL,
    reached       {text} NOT NULL,    -- as the database writes the value
    run_id        {name} NOT NULL,
    set_at        {time} NOT NULL
);
