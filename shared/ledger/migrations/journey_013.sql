-- Derived datasets by partitions: what the rows of each come from, and what a run
-- had to read.

ALTER TABLE millrace_derived ADD COLUMN origins {text}; -- JSON: by its folders, what names that; of the newest run that was done
ALTER TABLE millrace_derive_runs ADD COLUMN rows_read BIGINT; -- rows of the files that were read
