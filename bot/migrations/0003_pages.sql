-- What the pages show beyond what the bot itself needs: the graph of each release, who uses what, hosts, the course of time.

ALTER TABLE packages ADD COLUMN ecosystem TEXT GENERATED ALWAYS AS (substr(purl, 5, instr(purl, '/') - 5)) VIRTUAL;
CREATE INDEX packages_by_state ON packages (configured, state, attr);
CREATE INDEX events_by_time ON events (kind, at);

-- The first derivation that failed, the line that says why, and that line without what differs between packages.
ALTER TABLE runs ADD COLUMN failed_derivation TEXT;
ALTER TABLE runs ADD COLUMN failure_line TEXT;
ALTER TABLE runs ADD COLUMN failure_key TEXT;
CREATE INDEX runs_of_package ON runs (attr, id);
CREATE INDEX runs_by_outcome ON runs (outcome, id);
CREATE INDEX pull_requests_by_state ON pull_requests (state, number);

-- What a build that is under way has printed so far; gone when the run has ended and its logs are kept.
CREATE TABLE live_lines (
    seq  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT    NOT NULL,
    text TEXT    NOT NULL
) STRICT;
CREATE INDEX live_lines_by_run ON live_lines (run, seq);

-- The newest releases whose graph is known; `graph` is deflated JSON.
CREATE TABLE releases (
    attr        TEXT NOT NULL REFERENCES packages (attr),
    version     TEXT NOT NULL,
    recorded    TEXT NOT NULL,
    description TEXT,
    homepage    TEXT,
    repository  TEXT,
    license     TEXT,
    graph       BLOB NOT NULL,
    PRIMARY KEY (attr, version)
) STRICT;

-- `users` counts packages, so that the most used are found without counting.
CREATE TABLE dependencies (
    id        INTEGER NOT NULL PRIMARY KEY,
    ecosystem TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    users     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (ecosystem, name)
) STRICT;
CREATE INDEX dependencies_by_users ON dependencies (users DESC, name);

CREATE TABLE components (
    id         INTEGER NOT NULL PRIMARY KEY,
    dependency INTEGER NOT NULL REFERENCES dependencies (id),
    version    TEXT    NOT NULL,
    purl       TEXT    NOT NULL UNIQUE,
    license    TEXT
) STRICT;
CREATE INDEX components_by_dependency ON components (dependency, version);

-- Of the newest release of each package whose graph is known; `version` is that release.
CREATE TABLE uses (
    component   INTEGER NOT NULL REFERENCES components (id),
    attr        TEXT    NOT NULL REFERENCES packages (attr),
    version     TEXT    NOT NULL,
    direct      INTEGER NOT NULL,
    builds_only INTEGER NOT NULL,
    PRIMARY KEY (component, attr)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_by_package ON uses (attr);

CREATE TABLE advisories (
    purl     TEXT NOT NULL,
    id       TEXT NOT NULL,
    severity TEXT,
    summary  TEXT,
    seen     TEXT NOT NULL,
    PRIMARY KEY (purl, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE hosts (
    host           TEXT    NOT NULL PRIMARY KEY,
    answered       INTEGER NOT NULL,
    failed         INTEGER NOT NULL,
    failed_in_row  INTEGER NOT NULL,
    last_answer    TEXT,
    last_error     TEXT,
    last_error_at  TEXT,
    paused_until   TEXT,
    rate_limit     INTEGER,
    rate_remaining INTEGER,
    rate_reset     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE package_maintainers (
    attr  TEXT NOT NULL REFERENCES packages (attr),
    login TEXT NOT NULL,
    PRIMARY KEY (login, attr)
) STRICT, WITHOUT ROWID;
CREATE INDEX package_maintainers_by_package ON package_maintainers (attr);

-- What a person said on the pages, beside what the configuration holds.
CREATE TABLE holds (
    attr   TEXT NOT NULL PRIMARY KEY REFERENCES packages (attr),
    reason TEXT NOT NULL,
    since  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The ended runs by the day of their beginning, counted as they end.
CREATE TABLE days (
    day       TEXT    NOT NULL PRIMARY KEY,
    succeeded INTEGER NOT NULL,
    failed    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO days SELECT substr(started, 1, 10), sum(outcome = 'succeeded'), sum(outcome = 'failed') FROM runs
    WHERE outcome IS NOT NULL GROUP BY 1;
CREATE TRIGGER days_of_runs AFTER UPDATE OF outcome ON runs WHEN old.outcome IS NULL AND new.outcome IS NOT NULL BEGIN
    INSERT INTO days VALUES (substr(new.started, 1, 10), new.outcome = 'succeeded', new.outcome = 'failed')
        ON CONFLICT (day) DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed;
END;
CREATE TRIGGER days_of_new_runs AFTER INSERT ON runs WHEN new.outcome IS NOT NULL BEGIN
    INSERT INTO days VALUES (substr(new.started, 1, 10), new.outcome = 'succeeded', new.outcome = 'failed')
        ON CONFLICT (day) DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed;
END;

-- How many packages were in each state at the end of a day's last cycle.
CREATE TABLE freshness (
    day        TEXT    NOT NULL PRIMARY KEY,
    packages   INTEGER NOT NULL,
    up_to_date INTEGER NOT NULL,
    failed     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Grows with every change that a page may show, so that a page that is open knows when to look again.
CREATE TABLE revision (n INTEGER NOT NULL) STRICT;
INSERT INTO revision VALUES (0);
CREATE TRIGGER revised_packages AFTER UPDATE OF state, version, reason, next_attempt, current_version, configured ON packages
    WHEN old.state IS NOT new.state OR old.version IS NOT new.version OR old.reason IS NOT new.reason
        OR old.next_attempt IS NOT new.next_attempt OR old.current_version IS NOT new.current_version
        OR old.configured IS NOT new.configured
    BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_new_packages AFTER INSERT ON packages BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_events AFTER INSERT ON events BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_new_runs AFTER INSERT ON runs BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_runs AFTER UPDATE OF finished ON runs BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_stages AFTER INSERT ON stages BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_new_requests AFTER INSERT ON pull_requests BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_requests AFTER UPDATE ON pull_requests BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_cycles AFTER INSERT ON cycles BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_new_jobs AFTER INSERT ON jobs BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_jobs AFTER UPDATE OF state, due, reason, message ON jobs BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_new_holds AFTER INSERT ON holds BEGIN UPDATE revision SET n = n + 1; END;
CREATE TRIGGER revised_holds AFTER DELETE ON holds BEGIN UPDATE revision SET n = n + 1; END;
