# A night of an operator: events come in, weights go out, a process is killed, a disk is lost, and in the morning the
# ledger is that of a machine on which nothing happened.
step() { echo "== $1"; }

stakeledger simulate --events 6000 --miners 12 --subnets 4 --start 89d --span 2112h >events.jsonl
head -n 3000 events.jsonl >evening.jsonl
stakeledger --db undisturbed.db ingest events.jsonl

step ingest
stakeledger ingest evening.jsonl

step sync
stakeledger miners --jsonl | jq -c '{uid: .miner_id, coldkey, hotkey: .coldkey}' >metagraph.jsonl
stakeledger sync metagraph.jsonl
stakeledger --db undisturbed.db sync metagraph.jsonl

step report
stakeledger report
stakeledger report --html report.html

step weights
stakeledger weights --lookback 89 >weights.json

step why
stakeledger why 1 --lookback 89

step backup
stakeledger backup backup.db
stakeledger verify

step doctor
stakeledger doctor --restore --max-age 2400h

step kill
mkfifo feed
stakeledger ingest - <feed 2>killed.log &
victim=$!
exec 9>feed
head -n 4500 events.jsonl >&9
for _ in {1..100}; do # until it has written something, or for five seconds
	if [[ -s stakeledger.db-wal ]]; then break; fi
	sleep 0.05
done
kill -9 $victim
exec 9>&-
! wait $victim
stakeledger doctor --max-age 2400h

step again
stakeledger ingest events.jsonl
stakeledger ingest events.jsonl | grep ' 0 applied'
stakeledger verify
stakeledger diff undisturbed.db

step restore
rm stakeledger.db stakeledger.db-*
stakeledger restore backup.db
stakeledger ingest events.jsonl
stakeledger verify
stakeledger diff undisturbed.db
stakeledger weights --lookback 89 >again.json
stakeledger doctor --max-age 2400h
