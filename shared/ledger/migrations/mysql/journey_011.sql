-- Reports, as in ../journey_011.sql.

CREATE TABLE IF NOT EXISTS millrace_reports (
    run_id         {name} NOT NULL PRIMARY KEY,
    report_name    {name} NOT NULL,
    scheduled_at   {time} NOT NULL,
    parameters     {text} NOT NULL,
    trace_id       {text} NOT NULL,
    state          {name} NOT NULL,
    fence          BIGINT NOT NULL,
    claimed_until  {time} NOT NULL,
    chart_count    BIGINT,
    row_count      BIGINT,
    byte_count     BIGINT,
    page           {text},
    figures        {text},
    told_at        {time},
    reason         {text},
    started_at     {time} NOT NULL,
    finished_at    {time},
    duration_ms    BIGINT,
    INDEX millrace_reports_by_name (report_name, scheduled_at)
){table};
