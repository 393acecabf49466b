/* The work in C, as somebody would write it who counts instructions: statements
 * prepared once, text bound without a copy, no allocation. */
#include "floor.h"
#include "sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct floor_db {
	sqlite3 *db;
	sqlite3_stmt *s[STATEMENTS];
	char error[512];
};

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int fail(floor_db *f, const char *what)
{
	snprintf(f->error, sizeof f->error, "%s: %s", what, f->db ? sqlite3_errmsg(f->db) : "no database");
	return 1;
}

floor_db *floor_open(const char *path, const char *pragmas, const char *texts[STATEMENTS])
{
	floor_db *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	if (sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		fail(f, "open the database");
		return f;
	}
	if (sqlite3_exec(f->db, pragmas, NULL, NULL, NULL) != SQLITE_OK) {
		fail(f, "set the pragmas");
		return f;
	}
	for (int i = 0; i < STATEMENTS; i++)
		if (sqlite3_prepare_v3(f->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &f->s[i], NULL) != SQLITE_OK) {
			fail(f, texts[i]);
			return f;
		}
	return f;
}

void floor_close(floor_db *f)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(f->s[i]);
	sqlite3_close_v2(f->db);
	free(f);
}

const char *floor_error(floor_db *f) { return f->error; }
const char *floor_version(void) { return sqlite3_libversion(); }

static void text(sqlite3_stmt *s, int i, const char *value) { sqlite3_bind_text(s, i, value, (int)strlen(value), SQLITE_STATIC); }
static void number(sqlite3_stmt *s, int i, int64_t value) { sqlite3_bind_int64(s, i, value); }

/* run executes a statement that returns nothing. */
static int run(floor_db *f, enum floor_statement which)
{
	int rc = sqlite3_step(f->s[which]);
	sqlite3_reset(f->s[which]);
	return rc == SQLITE_DONE ? 0 : fail(f, "run a statement");
}

/* share is floor(total*after/whole) - floor(total*before/whole), exactly. */
static int64_t share(int64_t total, int64_t whole, int64_t before, int64_t after)
{
	return (int64_t)((__int128)total * after / whole) - (int64_t)((__int128)total * before / whole);
}

typedef struct {
	int64_t id;
	int late; /* there is a later event */
} miner;

static int find_miner(floor_db *f, const floor_op *op, miner *m)
{
	sqlite3_stmt *s = f->s[MINER_BY_COLDKEY];
	text(s, 1, op->coldkey);
	if (sqlite3_step(s) != SQLITE_ROW) {
		sqlite3_reset(s);
		return fail(f, "find the miner");
	}
	m->id = sqlite3_column_int64(s, 0);
	const char *latest = (const char *)sqlite3_column_text(s, 5);
	m->late = latest && strcmp(latest, op->key) > 0;
	sqlite3_reset(s);
	return 0;
}

static int insert_event(floor_db *f, const floor_op *op, const miner *m, int64_t *id)
{
	sqlite3_stmt *s = f->s[INSERT_EVENT];
	number(s, 1, m->id);
	text(s, 2, op->extrinsic);
	number(s, 3, 0);
	text(s, 4, op->key);
	text(s, 5, op->close ? "unstake" : "stake");
	number(s, 6, op->netuid);
	text(s, 7, op->hotkey);
	number(s, 8, op->block);
	number(s, 9, op->time);
	number(s, 10, op->tao);
	number(s, 11, op->alpha);
	text(s, 12, "applied");
	sqlite3_bind_null(s, 13);
	number(s, 14, m->late);
	if (op->close) {
		text(s, 15, "strict");
		number(s, 16, 360);
		text(s, 17, "zero");
	} else {
		sqlite3_bind_null(s, 15);
		sqlite3_bind_null(s, 16);
		sqlite3_bind_null(s, 17);
	}
	for (int i = 18; i <= 21; i++)
		sqlite3_bind_null(s, i);
	if (run(f, INSERT_EVENT))
		return -1;
	*id = sqlite3_last_insert_rowid(f->db);
	return 0;
}

typedef struct {
	int64_t positions, open_positions, trades, closes, entry_tao, entry_alpha, closed_alpha, exit_tao;
	int64_t raw_gain, gain, counted_closes, winning_closes, counted_duration;
} counters;

static int add_to_miner(floor_db *f, const floor_op *op, const miner *m, const counters *c)
{
	sqlite3_stmt *s = f->s[ADD_TO_MINER];
	const int64_t values[] = {op->time, c->positions, c->open_positions, c->trades, c->closes, c->entry_tao,
		c->entry_alpha, c->closed_alpha, c->exit_tao, c->raw_gain, c->gain, c->counted_closes, c->winning_closes,
		c->counted_duration, 0, 0, m->id};
	text(s, 1, op->key);
	sqlite3_bind_null(s, 2);
	for (int i = 0; i < 17; i++)
		number(s, i + 3, values[i]);
	return run(f, ADD_TO_MINER);
}

static int open_position(floor_db *f, const floor_op *op)
{
	miner m;
	int64_t id;
	if (find_miner(f, op, &m) || insert_event(f, op, &m, &id))
		return 1;
	sqlite3_stmt *s = f->s[INSERT_POSITION];
	number(s, 1, id);
	number(s, 2, m.id);
	number(s, 3, op->netuid);
	text(s, 4, op->hotkey);
	text(s, 5, op->extrinsic);
	number(s, 6, 0);
	text(s, 7, op->key);
	number(s, 8, op->block);
	number(s, 9, op->time);
	number(s, 10, op->tao);
	number(s, 11, op->alpha);
	number(s, 12, op->alpha);
	text(s, 13, "open");
	counters c = {.positions = 1, .open_positions = 1, .entry_tao = op->tao, .entry_alpha = op->alpha};
	return run(f, INSERT_POSITION) || add_to_miner(f, op, &m, &c);
}

static int insert_trade(floor_db *f, const floor_op *op, const miner *m, int64_t id)
{
	sqlite3_stmt *s = f->s[INSERT_TRADE];
	number(s, 1, id);
	number(s, 2, m->id);
	number(s, 3, op->netuid);
	text(s, 4, op->hotkey);
	text(s, 5, op->extrinsic);
	number(s, 6, 0);
	text(s, 7, op->key);
	number(s, 8, op->block);
	number(s, 9, op->time);
	number(s, 10, op->tao);
	number(s, 11, op->alpha);
	number(s, 12, 0);
	number(s, 13, 0);
	return run(f, INSERT_TRADE);
}

typedef struct {
	int64_t id, block, time, tao, alpha, remaining;
} candidate;

static int close_candidate(floor_db *f, const floor_op *op, const miner *m, int64_t trade, int step,
	const candidate *p, int64_t taken, int64_t alpha, counters *c)
{
	int64_t sold = p->alpha - p->remaining, duration = op->time - p->time;
	int64_t tao = share(op->tao, op->alpha, taken, taken + alpha);
	int64_t cost = share(p->tao, p->alpha, sold, sold + alpha);
	int64_t raw = tao - cost;
	int met = op->block - p->block >= 360;
	const int64_t values[] = {trade, step, p->id, m->id, alpha, tao, cost, raw, met ? raw : 0, duration, met, 0};
	for (int i = 0; i < 12; i++)
		number(f->s[INSERT_CLOSE], i < 4 ? i + 1 : i + 2, values[i]);
	text(f->s[INSERT_CLOSE], 5, op->key);
	if (run(f, INSERT_CLOSE))
		return 1;
	int whole = alpha == p->remaining;
	sqlite3_stmt *s = f->s[SHRINK_POSITION];
	number(s, 1, alpha);
	text(s, 2, whole ? "closed" : "partial");
	number(s, 3, op->time);
	if (whole)
		number(s, 4, op->time);
	else
		sqlite3_bind_null(s, 4);
	number(s, 5, met ? raw : 0);
	number(s, 6, p->id);
	c->closes++;
	c->open_positions -= whole;
	c->closed_alpha += alpha;
	c->exit_tao += tao;
	c->raw_gain += raw;
	if (met) {
		c->gain += raw;
		c->counted_closes++;
		c->winning_closes += raw > 0;
		c->counted_duration += duration;
	}
	return run(f, SHRINK_POSITION);
}

/* is_new looks whether the event was booked before, as the ledger does before
 * it reads candidates; the work repeats none. */
static int is_new(floor_db *f, const floor_op *op, const miner *m)
{
	sqlite3_stmt *s = f->s[EVENT_BY_KEY];
	number(s, 1, m->id);
	text(s, 2, op->extrinsic);
	number(s, 3, 0);
	int rc = sqlite3_step(s);
	sqlite3_reset(s);
	return rc == SQLITE_DONE;
}

/* candidates reads up to max positions first in, first out. The self-trade
 * query comes first, as in the ledger; the work has none. */
static int candidates(floor_db *f, const floor_op *op, const miner *m, candidate *list, int max)
{
	sqlite3_stmt *s = f->s[SELF_TRADE_CANDIDATES];
	number(s, 1, m->id);
	text(s, 2, op->extrinsic);
	number(s, 3, op->netuid);
	text(s, 4, op->key);
	int rc = sqlite3_step(s);
	sqlite3_reset(s);
	if (rc != SQLITE_DONE)
		return -1;
	s = f->s[FIFO_CANDIDATES];
	number(s, 1, m->id);
	number(s, 2, op->netuid);
	text(s, 3, "");
	text(s, 4, op->key);
	number(s, 5, max);
	int n = 0;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && n < max) {
		list[n++] = (candidate){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 3), sqlite3_column_int64(s, 4),
			sqlite3_column_int64(s, 5), sqlite3_column_int64(s, 6), sqlite3_column_int64(s, 7)};
	}
	sqlite3_reset(s);
	return rc == SQLITE_DONE ? n : -1;
}

static int close_position(floor_db *f, const floor_op *op)
{
	miner m;
	int64_t id, taken = 0;
	candidate list[8];
	if (find_miner(f, op, &m))
		return 1;
	if (!is_new(f, op, &m))
		return fail(f, "close a position: the event was booked before");
	int n = candidates(f, op, &m, list, 8);
	if (n < 0)
		return fail(f, "find the candidates");
	if (insert_event(f, op, &m, &id) || insert_trade(f, op, &m, id))
		return 1;
	counters c = {.trades = 1};
	for (int i = 0; i < n && taken < op->alpha; i++) {
		int64_t alpha = list[i].remaining < op->alpha - taken ? list[i].remaining : op->alpha - taken;
		if (close_candidate(f, op, &m, id, i, &list[i], taken, alpha, &c))
			return 1;
		taken += alpha;
	}
	if (taken != op->alpha)
		return fail(f, "close a position: the candidates hold too little");
	return add_to_miner(f, op, &m, &c);
}

int floor_book(floor_db *f, const floor_op *ops, int n, int per_commit, int64_t *nanos)
{
	for (int i = 0; i < n;) {
		int64_t began = now();
		int end = i + per_commit < n ? i + per_commit : n, first = i;
		if (run(f, BEGIN_WRITE))
			return 1;
		for (; i < end; i++)
			if (ops[i].close ? close_position(f, &ops[i]) : open_position(f, &ops[i])) {
				sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
				return 1;
			}
		if (run(f, COMMIT))
			return 1;
		int64_t took = now() - began; /* what each of them waited for */
		for (int j = first; j < end; j++)
			nanos[j] = took;
	}
	return 0;
}

/* row reads every column as the generated code does, into what the compiler may
 * not drop. */
static int64_t row(sqlite3_stmt *s)
{
	int64_t sum = 0;
	for (int i = 0; i < 17; i++)
		if (i == 3 || i == 4 || i == 6 || i == 12)
			sum += sqlite3_column_text(s, i)[0] + sqlite3_column_bytes(s, i);
		else
			sum += sqlite3_column_int64(s, i);
	return sum;
}

static volatile int64_t sink;

static int point(floor_db *f, int64_t id)
{
	sqlite3_stmt *s = f->s[POSITION_BY_ID];
	number(s, 1, id);
	int rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		sink = row(s);
	sqlite3_reset(s);
	return rc == SQLITE_ROW ? 0 : fail(f, "read a position");
}

int floor_lone(floor_db *f, const int64_t *ids, int n, int64_t *nanos)
{
	for (int i = 0; i < n; i++) {
		int64_t began = now();
		if (point(f, ids[i]))
			return 1;
		nanos[i] = now() - began;
	}
	return 0;
}

int floor_snapshot(floor_db *f, const int64_t *ids, int reads, int n, int64_t *nanos)
{
	for (int i = 0; i < n; i++) {
		int64_t began = now();
		if (run(f, BEGIN_READ))
			return 1;
		for (int j = 0; j < reads; j++)
			if (point(f, ids[i * reads + j]))
				return 1;
		if (run(f, COMMIT))
			return 1;
		nanos[i] = now() - began;
	}
	return 0;
}

int floor_scan(floor_db *f, int64_t miner_id, int rows, int n, int64_t *nanos)
{
	for (int i = 0; i < n; i++) {
		int64_t began = now();
		sqlite3_stmt *s = f->s[OPEN_POSITIONS];
		number(s, 1, miner_id);
		number(s, 2, 0);
		text(s, 3, "");
		number(s, 4, rows);
		int got = 0, rc;
		for (; (rc = sqlite3_step(s)) == SQLITE_ROW; got++)
			sink += row(s);
		sqlite3_reset(s);
		if (rc != SQLITE_DONE || got != rows)
			return fail(f, "scan the open positions");
		nanos[i] = now() - began;
	}
	return 0;
}

/* What all statements took of SQLite's virtual machine since the last call, triggers included. */
int64_t floor_steps(floor_db *f)
{
	int64_t n = 0;
	for (int i = 0; i < STATEMENTS; i++)
		n += sqlite3_stmt_status(f->s[i], SQLITE_STMTSTATUS_VM_STEP, 1);
	return n;
}

/* As the driver runs it: bindings cleared before each run. Rolled back. */
int floor_repreparations(floor_db *f, const char *text, int runs)
{
	sqlite3_stmt *s;
	if (sqlite3_prepare_v3(f->db, text, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL) != SQLITE_OK) {
		fail(f, text);
		return -1;
	}
	sqlite3_exec(f->db, "BEGIN", NULL, NULL, NULL);
	for (int i = 0; i < runs; i++) {
		sqlite3_clear_bindings(s);
		sqlite3_step(s);
		sqlite3_reset(s);
	}
	sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	int n = sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0);
	sqlite3_finalize(s);
	return n;
}
