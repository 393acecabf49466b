//go:build cgo && linux && !libsqlite3 && !stakeledger_nostep

#include "step.h"
#include "sqlite.h"
#include "vfs.h"

#include <stdlib.h>
#include <string.h>

csqlite_conn *csqlite_conn_new(uintptr_t db)
{
	csqlite_conn *c = calloc(1, sizeof *c);
	if (c)
		c->db = (sqlite3 *)db;
	return c;
}

void csqlite_conn_free(csqlite_conn *c)
{
	free(c->cells);
	free(c->bytes);
	free(c);
}

void csqlite_interrupt(uintptr_t db) { sqlite3_interrupt((sqlite3 *)db); }

csqlite_stmt *csqlite_prepare(csqlite_conn *c, const char *text, int n, int *rc)
{
	sqlite3_stmt *s = 0;
	*rc = sqlite3_prepare_v2(c->db, text, n, &s, 0);
	if (*rc != SQLITE_OK || !s)
		return 0;
	csqlite_stmt *p = calloc(1, sizeof *p);
	if (!p) {
		sqlite3_finalize(s);
		*rc = SQLITE_NOMEM;
		return 0;
	}
	p->conn = c;
	p->stmt = s;
	p->inputs = sqlite3_bind_parameter_count(s);
	p->readonly = sqlite3_stmt_readonly(s);
	p->commits = n == 6 && memcmp(text, "COMMIT", 6) == 0;
	return p;
}

int csqlite_finalize(csqlite_stmt *p)
{
	int rc = sqlite3_finalize(p->stmt);
	free(p->args);
	free(p->bytes);
	free(p);
	return rc;
}

/* Makes *to hold need items. Small buffers double, large ones are exact. */
static int grow(void **to, int64_t *cap, int64_t need, int64_t size)
{
	if (need <= *cap)
		return SQLITE_OK;
	int64_t n = *cap < 64 ? 64 : *cap;
	while (n < need)
		n = n * size < CSQLITE_KEPT_BYTES ? n * 2 : need;
	void *b = realloc(*to, n * size);
	if (!b)
		return SQLITE_NOMEM;
	*to = b;
	*cap = n;
	return SQLITE_OK;
}

int csqlite_room(csqlite_stmt *p, int64_t args, int64_t bytes)
{
	int rc = grow((void **)&p->args, &p->args_cap, args, sizeof *p->args);
	return rc == SQLITE_OK ? grow((void **)&p->bytes, &p->bytes_cap, bytes, 1) : rc;
}

int csqlite_parameter(csqlite_stmt *p, const char *name) { return sqlite3_bind_parameter_index(p->stmt, name); }

const char **csqlite_describe(csqlite_stmt *p, int cols)
{
	const char **list = calloc(2 * cols, sizeof *list);
	for (int i = 0; list && i < cols; i++) {
		list[i] = sqlite3_column_name(p->stmt, i);
		list[cols + i] = sqlite3_column_decltype(p->stmt, i);
	}
	return list;
}

static int bind(csqlite_stmt *p, int n)
{
	if (p->bound)
		sqlite3_clear_bindings(p->stmt);
	p->bound = n > 0;
	for (int i = 0; i < n; i++) {
		csqlite_arg *a = &p->args[i];
		int rc;
		double f;
		switch (a->type) {
		case SQLITE_INTEGER:
			rc = sqlite3_bind_int64(p->stmt, a->parameter, a->v);
			break;
		case SQLITE_FLOAT:
			memcpy(&f, &a->v, sizeof f);
			rc = sqlite3_bind_double(p->stmt, a->parameter, f);
			break;
		case SQLITE_TEXT: /* "" is not NULL, even without a buffer */
			rc = sqlite3_bind_text64(p->stmt, a->parameter, a->n ? p->bytes + a->v : "", a->n, SQLITE_STATIC, SQLITE_UTF8);
			break;
		case SQLITE_BLOB:
			rc = sqlite3_bind_blob64(p->stmt, a->parameter, a->n ? p->bytes + a->v : "", a->n, SQLITE_STATIC);
			break;
		default:
			rc = sqlite3_bind_null(p->stmt, a->parameter);
		}
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static int copy_bytes(csqlite_conn *c, csqlite_cell *cell, const void *from, int n)
{
	if (!from && cell->type == SQLITE_TEXT)
		return SQLITE_NOMEM; /* it could not be converted to UTF-8 */
	if (grow((void **)&c->bytes, &c->bytes_cap, c->bytes_used + n, 1) != SQLITE_OK)
		return SQLITE_NOMEM;
	cell->v = c->bytes_used;
	cell->n = n;
	if (n > 0)
		memcpy(c->bytes + c->bytes_used, from, n);
	c->bytes_used += n;
	return SQLITE_OK;
}

/* Makes *cell the text above it if it is the same. */
static int is_above(csqlite_conn *c, csqlite_cell *cell, const void *text, int n)
{
	const csqlite_cell *above = cell - c->cols;
	if (above->n != n || (above->type != SQLITE_TEXT && above->type != CSQLITE_ABOVE))
		return 0;
	if (n > 0 && memcmp(c->bytes + above->v, text, n))
		return 0;
	cell->type = CSQLITE_ABOVE;
	cell->v = above->v;
	cell->n = n;
	return 1;
}

/* Connections have no mutex and one user, so values need no protection: asking
 * the value twice is cheaper than asking for the column twice. */
static int copy_row(csqlite_conn *c, sqlite3_stmt *s)
{
	int cols = c->cols;
	const void *b;
	double f;
	int n;
	if (grow((void **)&c->cells, &c->cells_cap, (int64_t)(c->rows + 1) * cols, sizeof *c->cells) != SQLITE_OK)
		return SQLITE_NOMEM;
	csqlite_cell *cell = c->cells + (int64_t)c->rows * cols;
	for (int i = 0; i < cols; i++, cell++) {
		sqlite3_value *v = sqlite3_column_value(s, i);
		int rc = SQLITE_OK;
		cell->v = 0;
		cell->n = 0;
		switch (cell->type = sqlite3_value_type(v)) {
		case SQLITE_INTEGER:
			cell->v = sqlite3_value_int64(v);
			c->numbers += (uint64_t)cell->v > 255;
			break;
		case SQLITE_FLOAT:
			f = sqlite3_value_double(v);
			memcpy(&cell->v, &f, sizeof f);
			c->numbers++;
			break;
		case SQLITE_TEXT: /* the pointer first: asking for it converts to UTF-8 */
			b = sqlite3_value_text(v);
			n = sqlite3_value_bytes(v);
			if (b && c->rows && is_above(c, cell, b, n))
				break;
			rc = copy_bytes(c, cell, b, n);
			c->texts++;
			break;
		case SQLITE_BLOB:
			b = sqlite3_value_blob(v);
			rc = copy_bytes(c, cell, b, sqlite3_value_bytes(v));
			break;
		}
		if (rc != SQLITE_OK)
			return rc;
	}
	c->rows++;
	return SQLITE_OK;
}

static void clear(csqlite_conn *c)
{
	c->rows = c->cols = c->numbers = c->texts = 0;
	c->bytes_used = 0;
	c->reset = SQLITE_OK;
}

static int steps(csqlite_stmt *p, int most)
{
	csqlite_conn *c = p->conn;
	sqlite3_stmt *s = p->stmt;
	unsigned before = sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0);
	int rc;
	p->active = 1;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		if (c->rows == 0)
			c->cols = sqlite3_column_count(s); /* known only now: the first step may prepare anew */
		int copied = copy_row(c, s);
		if (copied != SQLITE_OK)
			return copied;
		if (c->rows >= most || (int64_t)c->rows * c->cols >= CSQLITE_MOST_CELLS || c->bytes_used >= CSQLITE_MOST_BYTES ||
		    (unsigned)sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0) - before >= CSQLITE_MOST_STEPS)
			break;
	}
	return rc;
}

static int reset(csqlite_stmt *p)
{
	p->active = 0;
	return sqlite3_reset(p->stmt);
}

int csqlite_begin(csqlite_conn *c)
{
	if (!c->begin)
		return SQLITE_OK;
	int rc = sqlite3_step(c->begin);
	sqlite3_reset(c->begin);
	if (rc != SQLITE_DONE)
		return rc;
	c->begin = 0;
	return SQLITE_OK;
}

/* A COMMIT's frames go to the log together. */
static int commit(csqlite_stmt *p)
{
	void *log = csqlite_gather(p->conn->db);
	int rc = steps(p, 1);
	int written = csqlite_gathered(log, !sqlite3_get_autocommit(p->conn->db));
	return written == SQLITE_OK ? rc : written;
}

int csqlite_run(uintptr_t stmt, int args, int most, int one)
{
	csqlite_stmt *p = (csqlite_stmt *)stmt;
	csqlite_conn *c = p->conn;
	clear(c);
	if (p->active)
		reset(p);
	int rc = csqlite_begin(c);
	if (rc == SQLITE_OK)
		rc = bind(p, args);
	if (rc == SQLITE_OK)
		rc = p->commits ? commit(p) : steps(p, most);
	c->cols = sqlite3_column_count(p->stmt);
	c->reprepared = sqlite3_stmt_status(p->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
	c->rowid = sqlite3_last_insert_rowid(c->db);
	c->changes = sqlite3_changes(c->db);
	if (rc == SQLITE_DONE) {
		reset(p);
	} else if (rc == SQLITE_ROW && one) {
		c->reset = reset(p);
		rc = SQLITE_DONE;
	}
	c->autocommit = sqlite3_get_autocommit(c->db);
	return rc;
}

int csqlite_more(uintptr_t stmt, int most)
{
	csqlite_stmt *p = (csqlite_stmt *)stmt;
	csqlite_conn *c = p->conn;
	clear(c);
	int rc = steps(p, most);
	if (rc == SQLITE_DONE)
		reset(p);
	c->autocommit = sqlite3_get_autocommit(c->db);
	return rc;
}

int csqlite_reset(uintptr_t stmt)
{
	csqlite_stmt *p = (csqlite_stmt *)stmt;
	int rc = reset(p);
	p->conn->autocommit = sqlite3_get_autocommit(p->conn->db);
	return rc;
}

void csqlite_trim(csqlite_stmt *p, int read)
{
	csqlite_conn *c = p->conn;
	if (read && c->bytes_cap > CSQLITE_KEPT_BYTES) {
		free(c->bytes);
		c->bytes = 0;
		c->bytes_cap = 0;
	}
	if (p->bytes_cap > CSQLITE_KEPT_BYTES && !p->active) {
		sqlite3_clear_bindings(p->stmt);
		p->bound = 0;
		free(p->bytes);
		p->bytes = 0;
		p->bytes_cap = 0;
	}
}
