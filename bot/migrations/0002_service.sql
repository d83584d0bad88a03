-- What a service needs that a single cycle does not: work that is due, effects that were begun, and what people do on a forge.

ALTER TABLE packages ADD COLUMN reason_code TEXT;

-- Where a person sees it, whether it is a draft, whose commits are on its branch, and the forge's own time of its last change.
ALTER TABLE pull_requests ADD COLUMN url TEXT;
ALTER TABLE pull_requests ADD COLUMN draft INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pull_requests ADD COLUMN persons TEXT NOT NULL DEFAULT '[]';
ALTER TABLE pull_requests ADD COLUMN forge_updated TEXT;

-- Open pull requests of people that touch a package.
CREATE TABLE other_pull_requests (
    number  INTEGER NOT NULL,
    attr    TEXT    NOT NULL,
    version TEXT,
    title   TEXT    NOT NULL,
    author  TEXT    NOT NULL,
    url     TEXT,
    PRIMARY KEY (number, attr)
) STRICT, WITHOUT ROWID;

-- Small notes that outlive the process, by name.
CREATE TABLE notes (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each thing that can be done; its fence counts how often it was taken up.
CREATE TABLE jobs (
    kind         TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    priority     INTEGER NOT NULL,
    queued       TEXT    NOT NULL,
    due          TEXT    NOT NULL,
    again        TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    fence        INTEGER NOT NULL DEFAULT 0,
    worker       TEXT,
    leased_until TEXT,
    started      TEXT,
    finished     TEXT,
    message      TEXT,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (state, due);

-- Effects on the outside: written before they are carried out, settled afterwards.
CREATE TABLE intents (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind     TEXT    NOT NULL,
    subject  TEXT    NOT NULL,
    payload  TEXT    NOT NULL,
    state    TEXT    NOT NULL,
    message  TEXT,
    created  TEXT    NOT NULL,
    finished TEXT
) STRICT;
CREATE UNIQUE INDEX intents_open ON intents (kind, subject) WHERE state = 'open';
