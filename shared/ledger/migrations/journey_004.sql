-- The dead-letter workbench: what was done about failures, and by whom.

ALTER TABLE millrace_failures ADD COLUMN redrive_of {text};     -- queue/message id of the failure whose redrive failed again
ALTER TABLE millrace_failures ADD COLUMN redrives BIGINT NOT NULL DEFAULT 0;
ALTER TABLE millrace_failures ADD COLUMN original_body {text};  -- as it failed, once the body was edited
ALTER TABLE millrace_failures ADD COLUMN discard_reason {text};

-- Groups are counted from the first index alone.
CREATE INDEX millrace_failures_by_resolution ON millrace_failures
    (resolution, fingerprint, last_seen, class, stage, dataset, first_seen);
CREATE INDEX millrace_failures_by_fingerprint ON millrace_failures (fingerprint, last_seen);
CREATE INDEX millrace_failures_by_queue ON millrace_failures (queue, resolution);
CREATE INDEX millrace_failures_by_redrive ON millrace_failures (redrive_of);
CREATE INDEX millrace_files_by_replay ON millrace_files (replay_of);

CREATE TABLE millrace_dlq_actions (
    action_id   {serial},
    acted_at    {time} NOT NULL,
    actor       {text} NOT NULL,      -- user@host, with the IAM role where it is known
    action      {text} NOT NULL,      -- redrive, edit, discard, adopt, export
    queue       {text},               -- of the failure; null where the action is about many
    message_id  {text},
    fingerprint {text},
    detail      {text}                -- how, or why
);
CREATE INDEX millrace_dlq_actions_by_message ON millrace_dlq_actions (queue, message_id, action_id);
