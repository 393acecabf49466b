#ifndef FLOOR_H
#define FLOOR_H

#include <stdint.h>

/* One stake or unstake event; the strings end with a zero byte. */
typedef struct {
	int close;
	char coldkey[49], hotkey[49], extrinsic[64], key[64];
	int64_t block, time, tao, alpha, netuid;
} floor_op;

enum floor_statement {
	MINER_BY_COLDKEY, EVENT_BY_KEY, SELF_TRADE_CANDIDATES, FIFO_CANDIDATES, POSITION_BY_ID, OPEN_POSITIONS,
	INSERT_EVENT, INSERT_POSITION, INSERT_TRADE, INSERT_CLOSE, SHRINK_POSITION, ADD_TO_MINER,
	BEGIN_READ, BEGIN_WRITE, COMMIT,
	STATEMENTS
};

typedef struct floor_db floor_db;

/* Every function returns 0, or a number other than 0 after which floor_error
 * says what went wrong. nanos receives the time of each transaction. */
floor_db *floor_open(const char *path, const char *pragmas, const char *texts[STATEMENTS]);
void floor_close(floor_db *);
const char *floor_error(floor_db *);
const char *floor_version(void);

int floor_book(floor_db *, const floor_op *ops, int n, int per_commit, int64_t *nanos);
int floor_lone(floor_db *, const int64_t *ids, int n, int64_t *nanos);
int floor_snapshot(floor_db *, const int64_t *ids, int reads, int n, int64_t *nanos);
int floor_scan(floor_db *, int64_t miner, int rows, int n, int64_t *nanos);

int64_t floor_steps(floor_db *);

/* How often SQLite prepares a statement anew in so many runs, or -1. */
int floor_repreparations(floor_db *, const char *text, int runs);

#endif
