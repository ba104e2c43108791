-- Datasets that are to have new files by some time.

CREATE TABLE millrace_freshness (
    dataset       {name} NOT NULL PRIMARY KEY,
    expected      {text} NOT NULL,  -- when: the expression and its time zone
    watched_since {time} NOT NULL,  -- what was expected before counts for nothing
    late_since    {time},           -- the first time that was missed; null while on time
    missed_at     {time}            -- the newest time that was missed and is told
);
CREATE INDEX millrace_files_by_load ON millrace_files (dataset, loaded_at);
