-- +goose Up

-- Values that the program makes for itself, sealed with the encryption key;
-- among them the one that tells at start whether the key is the right one.
CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE netbox_endpoints (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL UNIQUE,
    ip_address    TEXT    NOT NULL,
    domain        TEXT    NOT NULL,
    port          INTEGER NOT NULL,
    token_version TEXT    NOT NULL,
    token_key     TEXT    NOT NULL, -- sealed
    token         TEXT    NOT NULL, -- sealed
    verify_ssl    INTEGER NOT NULL,
    enabled       INTEGER NOT NULL
) STRICT;

CREATE TABLE proxmox_endpoints (
    id                           INTEGER PRIMARY KEY AUTOINCREMENT,
    name                         TEXT    NOT NULL UNIQUE,
    plugin_id                    INTEGER UNIQUE, -- the <pk> of "(nb:<pk>)" in the name
    ip_address                   TEXT    NOT NULL,
    domain                       TEXT    NOT NULL,
    port                         INTEGER NOT NULL,
    username                     TEXT    NOT NULL,
    password                     TEXT    NOT NULL, -- sealed
    token_name                   TEXT    NOT NULL,
    token_value                  TEXT    NOT NULL, -- sealed
    verify_ssl                   INTEGER NOT NULL,
    enabled                      INTEGER NOT NULL,
    allow_writes                 INTEGER NOT NULL,
    timeout_ms                   INTEGER,
    max_retries                  INTEGER,
    retry_backoff_ms             INTEGER,
    site_id                      INTEGER,
    site_slug                    TEXT    NOT NULL,
    site_name                    TEXT    NOT NULL,
    tenant_id                    INTEGER,
    tenant_slug                  TEXT    NOT NULL,
    tenant_name                  TEXT    NOT NULL,
    node_device_name_template    TEXT    NOT NULL,
    access_methods               TEXT    NOT NULL,
    allow_packer_template_builds INTEGER NOT NULL,
    ssh_target_node              TEXT    NOT NULL,
    ssh_host                     TEXT    NOT NULL,
    ssh_username                 TEXT    NOT NULL,
    ssh_port                     INTEGER NOT NULL,
    ssh_identity_file            TEXT    NOT NULL,
    ssh_known_host_fingerprint   TEXT    NOT NULL
) STRICT;

-- Rows that do not come from the plugin start above every id that it may ask
-- for, so that the id that "(nb:<pk>)" names is free.
INSERT INTO sqlite_sequence (name, seq) VALUES ('proxmox_endpoints', 1000000);

CREATE TABLE api_keys (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    label      TEXT    NOT NULL,
    key_hash   TEXT    NOT NULL, -- bcrypt
    key_tag    BLOB,             -- keyed digest, to know a wrong key without bcrypt
    is_active  INTEGER NOT NULL,
    created_at REAL    NOT NULL  -- seconds since 1970
) STRICT;

-- At most one row for ever: whoever registers the first key. It stays when
-- keys are removed, so that registration never opens again.
CREATE TABLE bootstrap_claim (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    claimed_by TEXT NOT NULL,
    claimed_at REAL NOT NULL
) STRICT;

-- Grows with every change of api_keys, whichever process makes it, so that a
-- process knows when what it remembers of the keys is out of date.
CREATE TABLE api_keys_generation (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO api_keys_generation (id, value) VALUES (1, 1);

-- +goose StatementBegin
CREATE TRIGGER api_keys_inserted AFTER INSERT ON api_keys BEGIN
    UPDATE api_keys_generation SET value = value + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_keys_updated AFTER UPDATE ON api_keys BEGIN
    UPDATE api_keys_generation SET value = value + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER api_keys_deleted AFTER DELETE ON api_keys BEGIN
    UPDATE api_keys_generation SET value = value + 1;
END;
-- +goose StatementEnd

-- Failed authentication by source and by the credential that was tried; an
-- empty bucket counts the failures of the whole source.
CREATE TABLE auth_lockouts (
    source        TEXT    NOT NULL,
    bucket        BLOB    NOT NULL,
    attempts      INTEGER NOT NULL,
    first_attempt REAL    NOT NULL, -- seconds since 1970
    PRIMARY KEY (source, bucket)
) STRICT, WITHOUT ROWID;
CREATE INDEX auth_lockouts_by_age ON auth_lockouts (first_attempt);

CREATE TABLE runs (
    id      TEXT PRIMARY KEY,
    kind    TEXT NOT NULL,
    scope   TEXT NOT NULL, -- JSON
    state   TEXT NOT NULL,
    started REAL NOT NULL, -- seconds since 1970
    ended   REAL,
    counts  TEXT NOT NULL, -- JSON
    report  TEXT NOT NULL  -- JSON
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_start ON runs (started);

-- +goose Down

DROP TABLE runs;
DROP TABLE auth_lockouts;
DROP TABLE api_keys;
DROP TABLE api_keys_generation;
DROP TABLE bootstrap_claim;
DROP TABLE proxmox_endpoints;
DROP TABLE netbox_endpoints;
DROP TABLE secrets;
