-- Derived datasets: who may make one, and what every run of one came to.

CREATE TABLE millrace_derived (
    dataset       {name} NOT NULL PRIMARY KEY,
    fence         BIGINT NOT NULL,   -- counts claims: only the newest may end a run
    claimed_until {time} NOT NULL,
    claimed_by    {text} NOT NULL,   -- the message of whoever has it
    run_number    BIGINT NOT NULL,   -- of the newest run; 0 before the first
    begun_at      {time},            -- when that began
    asked_again   BIGINT NOT NULL,   -- 1 if something changed since the claim
    due_at        {time},            -- when changes that are gathered are to be seen to
    due_message   {text}             -- the message that sends the one that comes then
);

CREATE TABLE millrace_derive_runs (
    dataset     {name} NOT NULL,
    run_number  BIGINT NOT NULL,     -- 1, 2, …: of two the later one is the newer
    inputs      {name} NOT NULL,     -- names the files it is made of, and the SQL
    contract    {name} NOT NULL,
    cause       {name} NOT NULL,     -- changed, scheduled or asked
    trace_id    {text} NOT NULL,
    state       {name} NOT NULL,     -- running, done or failed
    row_count   BIGINT,              -- that the query gave
    part_count  BIGINT,              -- partitions it gave; 1 where there are none
    written     BIGINT,              -- of them, those that were others than before, and those that went
    reason      {text},
    started_at  {time} NOT NULL,
    finished_at {time},
    duration_ms BIGINT,
    PRIMARY KEY (dataset, run_number)
);
CREATE INDEX millrace_derive_runs_by_start ON millrace_derive_runs (started_at);
