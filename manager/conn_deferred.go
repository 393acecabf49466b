package manager

import (
	"cmp"
	"context"
)

// Foreign keys whose check is deferred to COMMIT must not be checked at the
// COMMIT of a group: one member's violation would fail all of them, or be cured
// by another member's rows.

// hasUncheckedKeys reports whether the transaction violates a foreign key whose check
// is deferred or, if SQLite cannot tell, whether it might. The caller holds mu.
func (c *conn) hasUncheckedKeys() bool {
	if c.handle != nil {
		return c.handle.DeferredForeignKeys()
	}
	return c.defers || c.mayDefer()
}

// canShare reports whether closures may share a commit at all.
func (c *conn) canShare() bool {
	if c.handle != nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.mayDefer()
}

// mayDefer reports whether the schema, as the open transaction sees it, has
// deferred constraints. It reads the schema again whenever that has changed.
func (c *conn) mayDefer() bool {
	defer c.suspendGuard()()
	version, err := readPragma(c.raw, "schema_version")
	if err != nil {
		c.noteLost(err)
		return true
	}
	if version != c.schema {
		found, err := readValue(c.raw, "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE sql LIKE '%INITIALLY%DEFERRED%')")
		if err != nil {
			c.noteLost(err)
			return true
		}
		c.schema, c.deferrable = version, found != "0"
	}
	return c.deferrable
}

// endSavepoint ends a member's savepoint, and the deferring of foreign keys,
// which SQLite ends only with the whole transaction. The caller holds mu.
func (c *conn) endSavepoint(keep bool) error {
	if !keep {
		if err := c.runControl(c.rollbackTo); err != nil {
			return err
		}
	}
	return cmp.Or(c.stopDeferring(), c.runControl(c.release))
}

// stopDeferring switches PRAGMA defer_foreign_keys off again, where SQLite would do so
// only at the COMMIT. No foreign key may be waiting to be checked then: the violation
// would be forgotten. The caller holds mu.
func (c *conn) stopDeferring() error {
	if !c.defers {
		return nil
	}
	defer c.suspendGuard()()
	_, err := c.raw.ExecContext(context.Background(), "PRAGMA defer_foreign_keys = OFF", nil)
	if err == nil {
		c.defers = false
	}
	return err
}
