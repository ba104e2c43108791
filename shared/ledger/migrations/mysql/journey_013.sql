-- Derived datasets by partitions, as in ../journey_013.sql.

ALTER TABLE millrace_derived ADD COLUMN origins {text};
ALTER TABLE millrace_derive_runs ADD COLUMN rows_read BIGINT;
