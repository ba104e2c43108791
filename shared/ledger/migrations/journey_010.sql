-- Upkeep: when objects were published, which of the lake's are gone, where outputs
-- lie since they were joined, and a row per run.

ALTER TABLE millrace_files ADD COLUMN published_at {time};    -- when the object was put, as its event said
ALTER TABLE millrace_files ADD COLUMN lake_removed_at {time}; -- since when its rows in the lake are not live any more, by retention

CREATE TABLE millrace_joined (
    joined_id  {name} NOT NULL PRIMARY KEY, -- follows from what was joined
    dataset    {name} NOT NULL,
    bucket     {text} NOT NULL,
    object_key {text} NOT NULL,
    row_count  BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    part_count BIGINT NOT NULL,             -- outputs that it was made of
    made_at    {time} NOT NULL,
    left_at    {time}                       -- when rows of it were joined anew elsewhere
);
CREATE INDEX millrace_joined_by_dataset ON millrace_joined (dataset);

CREATE TABLE millrace_placements (
    file_id       {name} NOT NULL,
    output_number BIGINT NOT NULL,          -- which of the file's outputs, from 0
    joined_id     {name} NOT NULL,
    first_row     BIGINT NOT NULL,          -- where its rows begin in the joined object
    placed_at     {time} NOT NULL,
    PRIMARY KEY (file_id, output_number)
);
CREATE INDEX millrace_placements_by_joined ON millrace_placements (joined_id);

CREATE TABLE millrace_upkeep (
    run_id        {name} NOT NULL PRIMARY KEY,
    upkeep        {name} NOT NULL,   -- reconcile, compact or retention
    scheduled_at  {time} NOT NULL,   -- the time the run is for
    by_hand       BIGINT NOT NULL,   -- 1 if somebody gave the command, else 0
    trace_id      {text} NOT NULL,
    state         {name} NOT NULL,   -- running, done or failed
    fence         BIGINT NOT NULL,   -- counts claims: only the newest may end the run
    claimed_until {time} NOT NULL,
    counts        {text} NOT NULL,   -- JSON: what was counted, by name
    reason        {text},
    started_at    {time} NOT NULL,
    finished_at   {time}
);
CREATE INDEX millrace_upkeep_by_kind ON millrace_upkeep (upkeep, started_at);
