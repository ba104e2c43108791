-- What is still to be told, as in ../journey_005.sql.

CREATE TABLE IF NOT EXISTS millrace_events (
    event_id    {serial},
    detail_type {name} NOT NULL,
    detail      {text} NOT NULL,
    created_at  {time} NOT NULL,
    due_at      {time} NOT NULL,
    attempts    BIGINT NOT NULL,
    INDEX millrace_events_by_due (due_at, event_id)
){table};

CREATE TABLE IF NOT EXISTS millrace_alerts (
    alert_id    {serial},
    alert_group {name} NOT NULL,
    kind        {name} NOT NULL,
    occurrence  {text} NOT NULL,
    happened_at {time} NOT NULL,
    INDEX millrace_alerts_by_group (alert_group, alert_id)
){table};

CREATE TABLE IF NOT EXISTS millrace_alert_groups (
    alert_group {name} NOT NULL PRIMARY KEY,
    due_at      {time} NOT NULL,
    sent_at     {time},
    told        BIGINT NOT NULL,
    attempts    BIGINT NOT NULL
){table};
