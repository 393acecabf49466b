-- What SQLite offers as tables without a schema saying so. sqlc asks every name to be declared; this file is
-- for it alone, and no migration.
CREATE TABLE pragma_integrity_check (integrity_check TEXT NOT NULL);
CREATE TABLE pragma_foreign_key_check ("table" TEXT NOT NULL, rowid bigint, parent TEXT NOT NULL, fkid bigint NOT NULL);
