-- +goose Up
CREATE TABLE accounts (
  name    TEXT PRIMARY KEY,
  balance INTEGER NOT NULL CONSTRAINT no_debt CHECK (balance >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE transfers (
  key    TEXT PRIMARY KEY,
  payer  TEXT NOT NULL REFERENCES accounts (name),
  payee  TEXT NOT NULL REFERENCES accounts (name),
  amount INTEGER NOT NULL CHECK (amount > 0)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE transfers;
DROP TABLE accounts;
