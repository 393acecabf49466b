package ledger

import "context"

// foreignKeys has SQLite find rows that refer to none.
func (v *verification) foreignKeys(ctx context.Context) error {
	if v.c.onServer { // which lets no such row be
		return nil
	}
	broken, err := v.q.BrokenForeignKeys(ctx)
	if err != nil {
		return err
	}
	for _, f := range broken {
		v.reportDifference(f.Table, rowID(f.RowID), "foreign key", "a row of "+f.Parent, "none")
	}
	return nil
}

// checkIntegrity has SQLite check the file.
func (v *verification) checkIntegrity(ctx context.Context) error {
	if v.c.onServer { // which has its own means: pg_amcheck, data checksums
		return nil
	}
	lines, err := v.q.IntegrityCheck(ctx)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line != "ok" {
			v.reportDifference("sqlite", nil, "integrity_check", "ok", line)
		}
	}
	return nil
}
