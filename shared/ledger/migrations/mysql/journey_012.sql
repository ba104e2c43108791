-- The catalog, as in ../journey_012.sql.

CREATE TABLE IF NOT EXISTS millrace_catalog (
    dataset        {name} NOT NULL PRIMARY KEY,
    fence          BIGINT NOT NULL,
    claimed_until  {time} NOT NULL,
    claimed_by     {text} NOT NULL,
    asked_again    BIGINT NOT NULL,
    database_name  {text},
    table_name     {text},
    contract       {name},
    definition     {name},
    definitions    BIGINT NOT NULL,
    registered_at  {time},
    changed_at     {time},
    checked_at     {time}
){table};

CREATE TABLE IF NOT EXISTS millrace_catalog_partitions (
    dataset        {name} NOT NULL,
    partition_id   {name} NOT NULL,
    part_values    {text} NOT NULL,
    location       {text} NOT NULL,
    list_digest    {name} NOT NULL,
    columns_digest {name},
    object_count   BIGINT NOT NULL,
    row_count      BIGINT NOT NULL,
    byte_count     BIGINT NOT NULL,
    registered_at  {time} NOT NULL,
    changed_at     {time} NOT NULL,
    PRIMARY KEY (dataset, partition_id)
){table};
