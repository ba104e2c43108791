-- The journey of every file. `{text}`, `{time}` and `{serial}` are filled in
-- per dialect (src/dialect.rs).

CREATE TABLE millrace_files (
    ordinal        {serial},          -- order of registration
    file_id        {text} NOT NULL UNIQUE, -- names object version and contract
    dataset        {text} NOT NULL,
    contract       {text} NOT NULL,   -- contract version it was planned under
    bucket         {text} NOT NULL,
    object_key     {text} NOT NULL,   -- decoded, as S3 stores it
    version_id     {text},            -- where the bucket is versioned
    etag           {text} NOT NULL,   -- without quotes; may be empty
    sequencer      {text},            -- as S3 wrote it
    sequencer_sort {text},            -- in a form whose byte order is S3's order
    size_bytes     BIGINT,
    captures       {text} NOT NULL,   -- JSON object: path parts by name
    trace_id       {text} NOT NULL,
    state          {text} NOT NULL,   -- registered, transformed, loaded, unchanged, superseded, skipped, failed
    reason         {text},            -- why it is unchanged, superseded, skipped or failed
    related_file   {text},            -- the file it is unchanged of or superseded by
    rows_read      BIGINT,
    rows_written   BIGINT,
    rows_rejected  BIGINT,
    rows_skipped   BIGINT,
    rows_loaded    BIGINT,
    task           {text},            -- JSON: the load message, sent again on redelivery
    rejects_key    {text},            -- object in the lake with the rejected rows
    registered_at  {time} NOT NULL,
    transformed_at {time},
    transform_ms   BIGINT,
    loaded_at      {time},
    load_ms        BIGINT
);
CREATE INDEX millrace_files_by_key ON millrace_files (bucket, object_key, dataset, ordinal);
CREATE INDEX millrace_files_by_dataset ON millrace_files (dataset, state, ordinal);

CREATE TABLE millrace_contracts (
    dataset    {text} NOT NULL,
    contract   {text} NOT NULL,
    definition {text} NOT NULL,       -- JSON: the dataset definition, resolved
    columns    {text},                -- JSON: inferred columns, once the first file settled them
    created_at {time} NOT NULL,
    PRIMARY KEY (dataset, contract)
);

CREATE TABLE millrace_rejects (
    file_id  {text} NOT NULL,
    rule     {text} NOT NULL,         -- a type, `required`, or an expectation's text
    outcome  {text} NOT NULL,         -- rejected, or warned: kept but counted
    row_count BIGINT NOT NULL,
    example  {text} NOT NULL,         -- message of one such row
    PRIMARY KEY (file_id, outcome, rule)
);

CREATE TABLE millrace_hops (
    hop_id      {serial},
    file_id     {text} NOT NULL,
    stage       {text} NOT NULL,      -- ingest, transform, load
    attempt     BIGINT NOT NULL,      -- receive count of the message
    started_at  {time} NOT NULL,
    duration_ms BIGINT NOT NULL,
    outcome     {text} NOT NULL,
    detail      {text}
);
CREATE INDEX millrace_hops_by_file ON millrace_hops (file_id, hop_id);

CREATE TABLE millrace_skips (
    reason     {text} NOT NULL,       -- why no dataset took the object
    bucket     {text} NOT NULL,
    object_key {text} NOT NULL,
    first_seen {time} NOT NULL,
    last_seen  {time} NOT NULL,
    PRIMARY KEY (bucket, object_key, reason)
);

CREATE TABLE millrace_failures (
    queue         {text} NOT NULL,
    message_id    {text} NOT NULL,    -- a redriven message has another
    class         {text} NOT NULL,    -- transient, throttled, outage, denied, missing, poison, contract
    message       {text} NOT NULL,
    fingerprint   {text} NOT NULL,    -- the same for failures of one cause
    stage         {text} NOT NULL,
    dataset       {text},
    file_id       {text},
    object        {text},             -- JSON: the object version
    receive_count BIGINT NOT NULL,
    first_seen    {time} NOT NULL,
    last_seen     {time} NOT NULL,
    trace_id      {text},
    rejects_key   {text},
    body          {text} NOT NULL,    -- the message, for redrive
    resolution    {text},             -- redriven, discarded, loaded; null while open
    resolved_at   {time},
    PRIMARY KEY (queue, message_id)
);
CREATE INDEX millrace_failures_by_file ON millrace_failures (file_id);
