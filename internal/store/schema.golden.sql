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
