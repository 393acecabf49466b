-- +goose Up
CREATE TABLE orders (
  id    INTEGER PRIMARY KEY,
  email TEXT NOT NULL,
  item  TEXT NOT NULL
);

-- +goose Down
DROP TABLE orders;
