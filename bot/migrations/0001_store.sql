-- Times are RFC 3339 in UTC with milliseconds, so that text order is time order. Durations are milliseconds.

CREATE TABLE packages (
    attr             TEXT    NOT NULL PRIMARY KEY,
    purl             TEXT    NOT NULL,
    configured       INTEGER NOT NULL DEFAULT 1,
    added            TEXT    NOT NULL,
    state            TEXT    NOT NULL DEFAULT 'new',
    state_since      TEXT    NOT NULL,
    version          TEXT,
    published        TEXT,
    reason           TEXT    NOT NULL,
    next_attempt     TEXT,
    current_version  TEXT,
    current_strategy TEXT,
    current_since    TEXT
) STRICT;

CREATE TABLE events (
    id      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    attr    TEXT    NOT NULL REFERENCES packages (attr),
    version TEXT,
    kind    TEXT    NOT NULL,
    message TEXT    NOT NULL,
    at      TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_package ON events (attr, id);

CREATE TABLE runs (
    id              INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    attr            TEXT    NOT NULL REFERENCES packages (attr),
    version         TEXT    NOT NULL,
    from_version    TEXT,
    started         TEXT    NOT NULL,
    finished        TEXT,
    outcome         TEXT,
    failure_class   TEXT,
    failure_message TEXT,
    strategy        TEXT,
    commit_sha      TEXT,
    reused          INTEGER NOT NULL DEFAULT 0,
    built           INTEGER NOT NULL DEFAULT 0,
    fallback_reason TEXT,
    diff            TEXT    NOT NULL DEFAULT '{"added":[],"removed":[],"changed":[]}',
    build_scripts   TEXT    NOT NULL DEFAULT '[]',
    systems         TEXT    NOT NULL DEFAULT '[]',
    CHECK ((finished IS NULL) = (outcome IS NULL)),
    CHECK ((failure_class IS NULL) = (failure_message IS NULL))
) STRICT;
CREATE INDEX runs_by_package ON runs (attr, version, id);
CREATE INDEX runs_unfinished ON runs (id) WHERE finished IS NULL;

CREATE TABLE stages (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    stage      TEXT    NOT NULL,
    started    TEXT    NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX stages_by_run ON stages (run, id);

CREATE TABLE derivations (
    run        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    drv        TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    outcome    TEXT    NOT NULL,
    elapsed_ms INTEGER,
    PRIMARY KEY (run, drv)
) STRICT, WITHOUT ROWID;

CREATE TABLE logs (
    run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT    NOT NULL,
    text TEXT    NOT NULL,
    PRIMARY KEY (run, name)
) STRICT;

CREATE TABLE pull_requests (
    number       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    branch       TEXT    NOT NULL,
    attr         TEXT    REFERENCES packages (attr),
    title        TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    head         TEXT    NOT NULL,
    base         TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    failed       INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    merge_commit TEXT,
    opened       TEXT    NOT NULL,
    updated      TEXT    NOT NULL,
    closed       TEXT
) STRICT;
-- A branch has one open pull request at most, whatever the program does.
CREATE UNIQUE INDEX pull_requests_open ON pull_requests (branch) WHERE state = 'open';
CREATE INDEX pull_requests_by_package ON pull_requests (attr, number);

CREATE TABLE cycles (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    started  TEXT    NOT NULL,
    finished TEXT    NOT NULL,
    checked  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    failed   INTEGER NOT NULL
) STRICT;
