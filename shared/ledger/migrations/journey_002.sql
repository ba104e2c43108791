-- Columns that evolve: every version of them, and which one a file has.

CREATE TABLE millrace_column_versions (
    dataset    {text} NOT NULL,
    contract   {text} NOT NULL,
    version    BIGINT NOT NULL,       -- 1, 2, … within the contract
    columns    {text} NOT NULL,       -- JSON: the columns
    changes    {text} NOT NULL,       -- JSON: how they differ from the version before
    file_id    {text} NOT NULL,       -- the file that brought them
    created_at {time} NOT NULL,
    PRIMARY KEY (dataset, contract, version)
);
CREATE INDEX millrace_column_versions_by_file ON millrace_column_versions (file_id);

ALTER TABLE millrace_files ADD COLUMN column_version BIGINT;
