-- The journey of every file, as in ../journey_001.sql. Texts that are looked up
-- have a length here, since an index takes 3072 bytes; where a key is longer than
-- that, what is unique is its hash. Times are UTC.

CREATE TABLE IF NOT EXISTS millrace_files (
    ordinal        {serial},
    file_id        {name} NOT NULL UNIQUE,
    dataset        {name} NOT NULL,
    contract       {name} NOT NULL,
    bucket         {name} NOT NULL,
    object_key     VARCHAR(1024) NOT NULL,
    version_id     VARCHAR(1024),
    etag           VARCHAR(1024) NOT NULL,
    sequencer      VARCHAR(1024),
    sequencer_sort VARCHAR(1024),
    size_bytes     BIGINT,
    captures       {text} NOT NULL,
    trace_id       {name} NOT NULL,
    state          {name} NOT NULL,
    reason         {text},
    related_file   {name},
    rows_read      BIGINT,
    rows_written   BIGINT,
    rows_rejected  BIGINT,
    rows_skipped   BIGINT,
    rows_loaded    BIGINT,
    task           {text},
    rejects_key    {text},
    registered_at  {time} NOT NULL,
    transformed_at {time},
    transform_ms   BIGINT,
    loaded_at      {time},
    load_ms        BIGINT,
    INDEX millrace_files_by_key (bucket(64), object_key(500), dataset(64), ordinal),
    INDEX millrace_files_by_dataset (dataset, state, ordinal)
){table};

CREATE TABLE IF NOT EXISTS millrace_contracts (
    dataset    {name} NOT NULL,
    contract   {name} NOT NULL,
    definition {text} NOT NULL,
    columns    {text},
    created_at {time} NOT NULL,
    PRIMARY KEY (dataset, contract)
){table};

CREATE TABLE IF NOT EXISTS millrace_rejects (
    reject_id {serial},
    file_id   {name} NOT NULL,
    rule      {text} NOT NULL,
    outcome   {name} NOT NULL,
    row_count BIGINT NOT NULL,
    example   {text} NOT NULL,
    once      BINARY(32) GENERATED ALWAYS AS
        (UNHEX(SHA2(CONCAT_WS(X'1F', file_id, outcome, rule), 256))) STORED,
    UNIQUE INDEX millrace_rejects_once (once),
    INDEX millrace_rejects_by_file (file_id)
){table};

CREATE TABLE IF NOT EXISTS millrace_hops (
    hop_id      {serial},
    file_id     {name} NOT NULL,
    stage       {name} NOT NULL,
    attempt     BIGINT NOT NULL,
    started_at  {time} NOT NULL,
    duration_ms BIGINT NOT NULL,
    outcome     {name} NOT NULL,
    detail      {text},
    INDEX millrace_hops_by_file (file_id, hop_id)
){table};

CREATE TABLE IF NOT EXISTS millrace_skips (
    skip_id    {serial},
    reason     {text} NOT NULL,
    bucket     {name} NOT NULL,
    object_key VARCHAR(1024) NOT NULL,
    first_seen {time} NOT NULL,
    last_seen  {time} NOT NULL,
    once       BINARY(32) GENERATED ALWAYS AS
        (UNHEX(SHA2(CONCAT_WS(X'1F', bucket, CHAR_LENGTH(object_key), object_key, reason), 256)))
        STORED,
    UNIQUE INDEX millrace_skips_once (once),
    INDEX millrace_skips_by_key (bucket(64), object_key(500))
){table};

CREATE TABLE IF NOT EXISTS millrace_failures (
    queue         {name} NOT NULL,
    message_id    {name} NOT NULL,
    class         {name} NOT NULL,
    message       {text} NOT NULL,
    fingerprint   {name} NOT NULL,
    stage         {name} NOT NULL,
    dataset       {name},
    file_id       {name},
    object        {text},
    receive_count BIGINT NOT NULL,
    first_seen    {time} NOT NULL,
    last_seen     {time} NOT NULL,
    trace_id      {name},
    rejects_key   {text},
    body          {text} NOT NULL,
    resolution    {name},
    resolved_at   {time},
    PRIMARY KEY (queue, message_id),
    INDEX millrace_failures_by_file (file_id)
){table};
