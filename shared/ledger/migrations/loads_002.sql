-- Tables that hold one file have to know which of two keys was published last;
-- views are made when their tables are there, and made anew when their text
-- changes.

ALTER TABLE millrace_loads ADD COLUMN published_at {time};

CREATE TABLE millrace_views (
    view_schema  {text} NOT NULL, -- empty for the default one
    view_name    {text} NOT NULL,
    definition   {text},          -- the query it is made of; null while it is not there
    made_at      {time},
    tried        {text} NOT NULL, -- the query that was tried last
    attempted_at {time} NOT NULL,
    problem      {text},          -- why that could not be made
    PRIMARY KEY (view_schema, view_name)
);
