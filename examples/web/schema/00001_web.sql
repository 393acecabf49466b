-- +goose Up
CREATE TABLE entries (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  text TEXT NOT NULL
);

-- What the session store asks for.
CREATE TABLE sessions (
  token  TEXT PRIMARY KEY,
  data   BLOB NOT NULL,
  expiry REAL NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expiry);

-- +goose Down
DROP TABLE sessions;
DROP TABLE entries;
