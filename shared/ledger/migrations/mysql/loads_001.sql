-- The commit record, as in ../loads_001.sql. What is unique is a hash, since an
-- index takes 3072 bytes and an object's key alone may have 1024 characters.

CREATE TABLE IF NOT EXISTS millrace_loads (
    load_id        {serial},
    table_name     {name} NOT NULL,
    bucket         {name} NOT NULL,
    object_key     VARCHAR(1024) NOT NULL,
    version        VARCHAR(2200) NOT NULL,
    contract       {name} NOT NULL,
    sequencer_sort VARCHAR(1024),
    file_id        {name} NOT NULL,
    dataset        {name} NOT NULL,
    mode           {name} NOT NULL,
    row_count      BIGINT NOT NULL,
    replaced       BIGINT NOT NULL,
    replaced_by    BIGINT,
    committed_at   {time} NOT NULL,
    once           BINARY(32) GENERATED ALWAYS AS
        (UNHEX(SHA2(CONCAT_WS(X'1F', table_name, bucket, CHAR_LENGTH(object_key), object_key,
            version, contract), 256))) STORED,
    UNIQUE INDEX millrace_loads_once (once),
    INDEX millrace_loads_by_key (table_name(64), bucket(64), object_key(500)),
    INDEX millrace_loads_by_file (file_id)
){table};
