-- What is still to be told: events and alerts, written with what they tell of.

CREATE TABLE millrace_events (
    event_id    {serial},
    detail_type {text} NOT NULL,
    detail      {text} NOT NULL,   -- JSON: what became of a file
    created_at  {time} NOT NULL,
    due_at      {time} NOT NULL,   -- not to be sent before; who sends it moves it on
    attempts    BIGINT NOT NULL
);
CREATE INDEX millrace_events_by_due ON millrace_events (due_at, event_id);

CREATE TABLE millrace_alerts (
    alert_id    {serial},
    alert_group {text} NOT NULL,   -- what it is told with
    kind        {text} NOT NULL,
    occurrence  {text} NOT NULL,   -- JSON: what happened
    happened_at {time} NOT NULL
);
CREATE INDEX millrace_alerts_by_group ON millrace_alerts (alert_group, alert_id);

CREATE TABLE millrace_alert_groups (
    alert_group {text} NOT NULL PRIMARY KEY,
    due_at      {time} NOT NULL,   -- nothing of it is sent before
    sent_at     {time},            -- when something of it was sent last
    told        BIGINT NOT NULL,   -- occurrences told since it was last quiet
    attempts    BIGINT NOT NULL    -- since something was sent
);
