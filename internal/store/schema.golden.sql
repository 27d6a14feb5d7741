CREATE TABLE event (
    plan       TEXT   NOT NULL REFERENCES head (plan),
    seq        BIGINT NOT NULL CHECK (seq > 0),
    at         BIGINT NOT NULL,
    kind       TEXT   NOT NULL CHECK (kind <> ''),
    run        TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    seat       TEXT   NOT NULL,
    person     TEXT   NOT NULL,
    entered_by TEXT   NOT NULL,
    via        TEXT   NOT NULL,
    body       BYTEA  NOT NULL,
    leaf       BYTEA  NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (plan, seq)
);

CREATE TABLE head (
    plan     TEXT   NOT NULL PRIMARY KEY,
    size     BIGINT NOT NULL CHECK (size >= 0),
    frontier BYTEA  NOT NULL,
    epoch    BIGINT NOT NULL CHECK (epoch >= 0),
    host     TEXT   NOT NULL
);

CREATE TABLE observation (
    plan            TEXT    NOT NULL REFERENCES head (plan),
    unit            TEXT    NOT NULL,
    since           BIGINT  NOT NULL,
    until           BIGINT  NOT NULL,
    check_id        TEXT    NOT NULL,
    outcome         TEXT    NOT NULL CHECK (outcome IN ('pass', 'warn', 'fail', 'unverified', 'error')),
    verdict         TEXT    NOT NULL CHECK (verdict IN ('pass', 'warn', 'fail', 'unverified', 'error')),
    code            TEXT    NOT NULL CHECK (code <> ''),
    want            TEXT    NOT NULL CHECK (want IN ('', 'allow', 'deny')),
    reached         TEXT    NOT NULL,
    facts           TEXT    NOT NULL,
    evidence        TEXT    NOT NULL,
    local_addr      TEXT    NOT NULL,
    checker_version TEXT    NOT NULL,
    config_hash     TEXT    NOT NULL,
    valid_until     BIGINT  NOT NULL,
    answers         BIGINT  NOT NULL CHECK (answers > 0),
    timings         TEXT    NOT NULL,
    latest          BOOLEAN NOT NULL, brought TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (plan, unit, since),
    CHECK (until >= since)
);

CREATE INDEX observation_check ON observation (plan, check_id, until) WHERE NOT latest;

CREATE UNIQUE INDEX observation_latest ON observation (plan, unit) WHERE latest;

CREATE INDEX observation_latest_check ON observation (plan, check_id) WHERE latest;

CREATE INDEX observation_until ON observation (plan, until) WHERE NOT latest;

CREATE TABLE outbox (
    plan        TEXT   NOT NULL REFERENCES head (plan),
    id          TEXT   NOT NULL CHECK (id <> ''),
    audience    TEXT   NOT NULL,
    report      TEXT   NOT NULL,
    recipient   TEXT   NOT NULL,
    address     TEXT   NOT NULL,
    subject     TEXT   NOT NULL,
    raw         BYTEA  NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'uncertain', 'failed')),
    attempts    BIGINT NOT NULL CHECK (attempts >= 0),
    queued_at   BIGINT NOT NULL,
    next_at     BIGINT NOT NULL,
    finished_at BIGINT,
    last_error  TEXT   NOT NULL,
    PRIMARY KEY (plan, id),
    CHECK ((state IN ('sent', 'failed')) = (finished_at IS NOT NULL))
);

CREATE INDEX outbox_open ON outbox (plan, next_at) WHERE finished_at IS NULL;

CREATE TABLE river_job (
    id integer PRIMARY KEY AUTOINCREMENT,
    args blob NOT NULL DEFAULT (jsonb('{}')),
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamp,
    attempted_by blob, -- json
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    errors blob, -- json
    finalized_at timestamp,
    kind text NOT NULL,
    max_attempts integer NOT NULL DEFAULT 25,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    priority integer NOT NULL DEFAULT 1,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tags blob NOT NULL DEFAULT (jsonb('[]')),
    unique_key blob,
    unique_states integer,
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
        (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (length(queue) > 0 AND length(queue) < 128),
    CONSTRAINT kind_length CHECK (length(kind) > 0 AND length(kind) < 128),
    CONSTRAINT state_valid CHECK (state IN ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);

CREATE INDEX river_job_kind ON river_job (kind);

CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;

CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
        AND unique_states IS NOT NULL
        AND CASE state
            WHEN 'available' THEN unique_states & (1 << 0)
            WHEN 'cancelled' THEN unique_states & (1 << 1)
            WHEN 'completed' THEN unique_states & (1 << 2)
            WHEN 'discarded' THEN unique_states & (1 << 3)
            WHEN 'pending'   THEN unique_states & (1 << 4)
            WHEN 'retryable' THEN unique_states & (1 << 5)
            WHEN 'running'   THEN unique_states & (1 << 6)
            WHEN 'scheduled' THEN unique_states & (1 << 7)
            ELSE 0
        END >= 1;

CREATE TABLE river_leader (
    elected_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY NOT NULL DEFAULT 'default' CHECK (name = 'default'),
    CONSTRAINT name_length CHECK (length(name) > 0 AND length(name) < 128),
    CONSTRAINT leader_id_length CHECK (length(leader_id) > 0 AND length(leader_id) < 128)
);

CREATE TABLE river_migration (
    line text NOT NULL,
    version integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT line_length CHECK (length(line) > 0 AND length(line) < 128),
    CONSTRAINT version_gte_1 CHECK (version >= 1),
    PRIMARY KEY (line, version)
);

CREATE TABLE river_notification (
    id integer PRIMARY KEY AUTOINCREMENT,
    created_at timestamp NOT NULL DEFAULT (datetime('now', 'subsec')),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);

CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);

CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);

CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE slot (
    plan        TEXT   NOT NULL REFERENCES head (plan),
    schedule    TEXT   NOT NULL CHECK (schedule <> ''),
    at          BIGINT NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('claimed', 'done', 'missed', 'failed')),
    claimed_at  BIGINT NOT NULL,
    finished_at BIGINT,
    note        TEXT   NOT NULL,
    PRIMARY KEY (plan, schedule, at),
    CHECK ((state <> 'claimed') = (finished_at IS NOT NULL))
);
