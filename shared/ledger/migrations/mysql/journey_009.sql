-- Derived datasets, as in ../journey_009.sql.

CREATE TABLE IF NOT EXISTS millrace_derived (
    dataset       {name} NOT NULL PRIMARY KEY,
    fence         BIGINT NOT NULL,
    claimed_until {time} NOT NULL,
    claimed_by    {text} NOT NULL,
    run_number    BIGINT NOT NULL,
    begun_at      {time},
    asked_again   BIGINT NOT NULL,
    due_at        {time},
    due_message   {text}
){table};

CREATE TABLE IF NOT EXISTS millrace_derive_runs (
    dataset     {name} NOT NULL,
    run_number  BIGINT NOT NULL,
    inputs      {name} NOT NULL,
    contract    {name} NOT NULL,
    cause       {name} NOT NULL,
    trace_id    {text} NOT NULL,
    state       {name} NOT NULL,
    row_count   BIGINT,
    part_count  BIGINT,
    written     BIGINT,
    reason      {text},
    started_at  {time} NOT NULL,
    finished_at {time},
    duration_ms BIGINT,
    PRIMARY KEY (dataset, run_number),
    INDEX millrace_derive_runs_by_start (started_at)
){table};
