-- Datasets that are to have new files by some time, as in ../journey_006.sql.

CREATE TABLE IF NOT EXISTS millrace_freshness (
    dataset       {name} NOT NULL PRIMARY KEY,
    expected      {text} NOT NULL,
    watched_since {time} NOT NULL,
    late_since    {time},
    missed_at     {time}
){table};

CREATE INDEX millrace_files_by_load ON millrace_files (dataset, loaded_at);
