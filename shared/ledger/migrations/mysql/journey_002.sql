-- Columns that evolve, as in ../journey_002.sql.

CREATE TABLE IF NOT EXISTS millrace_column_versions (
    dataset    {name} NOT NULL,
    contract   {name} NOT NULL,
    version    BIGINT NOT NULL,
    columns    {text} NOT NULL,
    changes    {text} NOT NULL,
    file_id    {name} NOT NULL,
    created_at {time} NOT NULL,
    PRIMARY KEY (dataset, contract, version),
    INDEX millrace_column_versions_by_file (file_id)
){table};

ALTER TABLE millrace_files ADD COLUMN column_version BIGINT;
