package books

import (
	"context"
	"database/sql"
)

// WriteSQL is Write as code for database/sql does it: a third of the numbers in a
// *sql.Tx of its own, a third in one that a closure lends, the others in one text.
func (p *Pairs) WriteSQL(ctx context.Context, number int64) error {
	switch number % 3 {
	case 0:
		return p.writeBegun(ctx, number)
	case 1:
		return p.db.WithTx(ctx, func(ctx context.Context, _ queries) error {
			tx, err := p.db.SQLTx(ctx)
			if err != nil {
				return err
			}
			return queries{tx}.write(ctx, number)
		})
	}
	b := body(number)
	_, err := p.db.SQL().ExecContext(ctx, `
		UPDATE progress SET places = places + 1;
		INSERT INTO debits (place, number, body) SELECT places, ?, ? FROM progress;
		UPDATE debits SET body = x'' WHERE place = (SELECT places FROM progress) - ?;
		INSERT INTO credits (place, number, body) SELECT places, ?, ? FROM progress;
		UPDATE credits SET body = x'' WHERE place = (SELECT places FROM progress) - ?`,
		number, b, keptBodies, number, b, keptBodies)
	return err
}

func (p *Pairs) writeBegun(ctx context.Context, number int64) error {
	tx, err := p.db.SQL().BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := (queries{tx}).write(ctx, number); err != nil {
		return err
	}
	return tx.Commit()
}
