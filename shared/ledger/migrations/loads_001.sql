-- The commit record: lives in the warehouse's own database, so that it and the
-- rows it speaks of are committed together or not at all.

CREATE TABLE millrace_loads (
    load_id        {serial},          -- `_load_id` of every row it brought
    table_name     {text} NOT NULL,
    bucket         {text} NOT NULL,
    object_key     {text} NOT NULL,
    version        {text} NOT NULL,   -- version id, or else ETag and sequencer
    contract       {text} NOT NULL,   -- contract version, with what sets a replay apart
    sequencer_sort {text},            -- in a form whose byte order is S3's order
    file_id        {text} NOT NULL,
    dataset        {text} NOT NULL,
    mode           {text} NOT NULL,   -- append, replace_file, upsert
    row_count      BIGINT NOT NULL,   -- rows of the file that were sent to the table
    replaced       BIGINT NOT NULL,   -- rows of older loads that left for it
    replaced_by    BIGINT,            -- the load for which its rows left
    committed_at   {time} NOT NULL,
    UNIQUE (table_name, bucket, object_key, version, contract)
);
CREATE INDEX millrace_loads_by_file ON millrace_loads (file_id);
