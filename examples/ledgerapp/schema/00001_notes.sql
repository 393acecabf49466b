-- +goose Up
CREATE TABLE mine_notes (
  id      INTEGER PRIMARY KEY,
  coldkey TEXT NOT NULL,
  body    TEXT NOT NULL,
  UNIQUE (coldkey, body)
);

-- +goose Down
DROP TABLE mine_notes;
