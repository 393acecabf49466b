-- +goose Up
CREATE TABLE notes (
  id      INTEGER PRIMARY KEY,
  title   TEXT NOT NULL UNIQUE,
  body    TEXT NOT NULL,
  written TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE notes;
