-- Exports, as in ../journey_007.sql.

CREATE TABLE IF NOT EXISTS millrace_exports (
    run_id         {name} NOT NULL PRIMARY KEY,
    export_name    {name} NOT NULL,
    scheduled_at   {time} NOT NULL,
    parameters     {text} NOT NULL,
    trace_id       {text} NOT NULL,
    state          {name} NOT NULL,
    fence          BIGINT NOT NULL,
    claimed_until  {time} NOT NULL,
    watermark_key  {name} NOT NULL,
    watermark_from {text},
    watermark_to   {text},
    row_count      BIGINT,
    object_count   BIGINT,
    byte_count     BIGINT,
    manifest       {text},
    reason         {text},
    started_at     {time} NOT NULL,
    finished_at    {time},
    duration_ms    BIGINT,
    INDEX millrace_exports_by_name (export_name, scheduled_at),
    INDEX millrace_exports_by_watermark (watermark_key, state)
){table};

CREATE TABLE IF NOT EXISTS millrace_watermarks (
    watermark_key {name} NOT NULL PRIMARY KEY,
    export_name   {name} NOT NULL,
    column_name   {text} NOT NULL,
    reached       {text} NOT NULL,
    run_id        {name} NOT NULL,
    set_at        {time} NOT NULL
){table};
