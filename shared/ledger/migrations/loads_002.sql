-- Tables that hold one file have to know which of two keys was published last;
-- views are made when their tables are there, and made anew when their text
-- changes.

ALTER TABLE millrace_loads ADD COLUMN published_at {time};

CREATE TABLE millrace_views (
    view_name    {text} NOT NULL PRIMARY KEY, -- with its schema, where it has one
    definition   {text} NOT NULL,             -- the query that was made or tried last
    made_at      {time},                      -- when it was made; null while it is not there
    attempted_at {time} NOT NULL,
    problem      {text}                       -- why it could not be made
);
