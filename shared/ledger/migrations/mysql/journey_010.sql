-- Upkeep, as in ../journey_010.sql.

ALTER TABLE millrace_files ADD COLUMN published_at {time};
ALTER TABLE millrace_files ADD COLUMN lake_removed_at {time};

CREATE TABLE IF NOT EXISTS millrace_joined (
    joined_id  {name} NOT NULL PRIMARY KEY,
    dataset    {name} NOT NULL,
    bucket     {name} NOT NULL,
    object_key VARCHAR(1024) NOT NULL,
    row_count  BIGINT NOT NULL,
    byte_count BIGINT NOT NULL,
    part_count BIGINT NOT NULL,
    made_at    {time} NOT NULL,
    left_at    {time},
    INDEX millrace_joined_by_dataset (dataset)
){table};

CREATE TABLE IF NOT EXISTS millrace_placements (
    file_id       {name} NOT NULL,
    output_number BIGINT NOT NULL,
    joined_id     {name} NOT NULL,
    first_row     BIGINT NOT NULL,
    placed_at     {time} NOT NULL,
    PRIMARY KEY (file_id, output_number),
    INDEX millrace_placements_by_joined (joined_id)
){table};

CREATE TABLE IF NOT EXISTS millrace_upkeep (
    run_id        {name} NOT NULL PRIMARY KEY,
    upkeep        {name} NOT NULL,
    scheduled_at  {time} NOT NULL,
    by_hand       BIGINT NOT NULL,
    trace_id      {text} NOT NULL,
    state         {name} NOT NULL,
    fence         BIGINT NOT NULL,
    claimed_until {time} NOT NULL,
    counts        {text} NOT NULL,
    reason        {text},
    started_at    {time} NOT NULL,
    finished_at   {time},
    INDEX millrace_upkeep_by_kind (upkeep, started_at)
){table};
