package ledger

import "context"

// foreignKeys reports rows that refer to a missing row.
func (v *verification) foreignKeys(ctx context.Context) error {
	if v.c.onServer { // which never stores such a row
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
