-- Reports: a row per run.

CREATE TABLE millrace_reports (
    run_id         {name} NOT NULL PRIMARY KEY,
    report_name    {name} NOT NULL,
    scheduled_at   {time} NOT NULL,   -- the time the run is for
    parameters     {text} NOT NULL,   -- JSON: what its message brought
    trace_id       {text} NOT NULL,
    state          {name} NOT NULL,   -- running, done or failed
    fence          BIGINT NOT NULL,   -- counts claims: only the newest may end the run
    claimed_until  {time} NOT NULL,
    chart_count    BIGINT,
    row_count      BIGINT,
    byte_count     BIGINT,
    page           {text},            -- s3://…
    figures        {text},            -- JSON: its large numbers, as they are told
    told_at        {time},
    reason         {text},
    started_at     {time} NOT NULL,
    finished_at    {time},
    duration_ms    BIGINT
);
CREATE INDEX millrace_reports_by_name ON millrace_reports (report_name, scheduled_at);
