-- Files that are gone through again, as in ../journey_003.sql.

ALTER TABLE millrace_files ADD COLUMN replay {name};

ALTER TABLE millrace_files ADD COLUMN replay_of {name};
