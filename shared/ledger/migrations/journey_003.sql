-- Files that are gone through again on purpose.

ALTER TABLE millrace_files ADD COLUMN replay {text};    -- whole, or rejects: only the rows that were rejected; null on the first way
ALTER TABLE millrace_files ADD COLUMN replay_of {text}; -- the file that was gone through before
