// Package ingest turns files of stake events into ledger events, one at a time.
//
//	for event, err := range ingest.Read(file, file.Name(), ingest.Options{}) {
//		…
//	}
//
// [Read] gives what ledger.Apply takes.
//
// # Formats
//
// Three formats are told apart by what the input holds, not by its name:
//
// The delegation response of Taostats: an object with "pagination" and "data", or the bare array of
// "data". Amounts are whole rao. The nominator is the coldkey, the delegate the hotkey, and the number
// that ends the "id" of a row is the index of the event. Fields that the ledger has no use for are
// ignored.
//
// JSON Lines of our own form, an object a line:
//
//	{"coldkey":"5G…","hotkey":"5F…","kind":"stake","netuid":64,"extrinsic_id":"1895779-0014","event_index":47,
//	 "block":1895779,"time":"2026-01-01T02:10:48.001Z","tao":"0.165693980","alpha":"2.000000000","transfer":false}
//
// (in one line). "kind" is stake or unstake, or the chain's DELEGATE, STAKE_ADDED, UNDELEGATE and
// STAKE_REMOVED. "event_index", "block" and "transfer" may be left out and are then 0, 0 (unknown) and
// false. Amounts are strings with decimal TAO and alpha. An unknown field is an error, since it may be a known one
// misspelt.
//
// CSV of our own form: the same names in a header line, in any order, with commas between and optional
// double quotes; an empty cell in one of the three columns above is the default.
//
// Input is UTF-8, with or without a byte order mark, with either end of line. Blank lines are skipped.
// Empty input holds no events and is no error.
//
// # Limits
//
// Input is read as a stream: memory does not grow with it. A line, or a row of a response, may be up to
// 1 MiB.
//
// # Errors
//
// What is wrong ends the sequence with one *[Error] that names the input, the line and the field.
// [WriteJSONL] writes our own form.
package ingest
