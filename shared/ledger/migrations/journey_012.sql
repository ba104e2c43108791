-- The catalog: the table of a dataset, who may write it, and the lists of its partitions.

CREATE TABLE millrace_catalog (
    dataset        {name} NOT NULL PRIMARY KEY,
    fence          BIGINT NOT NULL,   -- counts claims: only the newest may say what was done
    claimed_until  {time} NOT NULL,
    claimed_by     {text} NOT NULL,   -- the message of whoever has it
    asked_again    BIGINT NOT NULL,   -- 1 if something changed since the claim
    database_name  {text},            -- where the table is registered; none before it is
    table_name     {text},
    contract       {name},            -- version of the contract of its newest file
    definition     {name},            -- names its columns, comments, partition columns, properties
    definitions    BIGINT NOT NULL,   -- how many there were so far
    registered_at  {time},            -- when it was first
    changed_at     {time},            -- when its definition last changed
    checked_at     {time}             -- when it was last brought up to date
);

CREATE TABLE millrace_catalog_partitions (
    dataset        {name} NOT NULL,
    partition_id   {name} NOT NULL,   -- follows from its values
    part_values    {text} NOT NULL,   -- JSON: values of the partition columns, in order
    location       {text} NOT NULL,   -- the folder of its list, s3://…
    list_digest    {name} NOT NULL,   -- names what its list lists; empty while it is written
    columns_digest {name},            -- names the columns it is registered with, where it is
    object_count   BIGINT NOT NULL,
    row_count      BIGINT NOT NULL,
    byte_count     BIGINT NOT NULL,
    registered_at  {time} NOT NULL,   -- when it was first
    changed_at     {time} NOT NULL,   -- when its list or its columns last changed
    PRIMARY KEY (dataset, partition_id)
);
