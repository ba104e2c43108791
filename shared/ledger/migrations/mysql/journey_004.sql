-- The dead-letter workbench, as in ../journey_004.sql.

ALTER TABLE millrace_failures ADD COLUMN redrive_of VARCHAR(512);

ALTER TABLE millrace_failures ADD COLUMN redrives BIGINT NOT NULL DEFAULT 0;

ALTER TABLE millrace_failures ADD COLUMN original_body {text};

ALTER TABLE millrace_failures ADD COLUMN discard_reason {text};

CREATE INDEX millrace_failures_by_resolution ON millrace_failures
    (resolution(32), fingerprint(64), last_seen);

CREATE INDEX millrace_failures_by_fingerprint ON millrace_failures (fingerprint(64), last_seen);

CREATE INDEX millrace_failures_by_queue ON millrace_failures (queue, resolution(32));

CREATE INDEX millrace_failures_by_redrive ON millrace_failures (redrive_of);

CREATE INDEX millrace_files_by_replay ON millrace_files (replay_of);

CREATE TABLE IF NOT EXISTS millrace_dlq_actions (
    action_id   {serial},
    acted_at    {time} NOT NULL,
    actor       {text} NOT NULL,
    action      {name} NOT NULL,
    queue       {name},
    message_id  {name},
    fingerprint {name},
    detail      {text},
    INDEX millrace_dlq_actions_by_message (queue, message_id, action_id)
){table};
