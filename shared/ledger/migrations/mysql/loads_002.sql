-- Tables that hold one file, and views, as in ../loads_002.sql.

ALTER TABLE millrace_loads ADD COLUMN published_at {time};

CREATE TABLE IF NOT EXISTS millrace_views (
    view_schema  {name} NOT NULL,
    view_name    {name} NOT NULL,
    definition   {text},
    made_at      {time},
    tried        {text} NOT NULL,
    attempted_at {time} NOT NULL,
    problem      {text},
    PRIMARY KEY (view_schema, view_name)
){table};
