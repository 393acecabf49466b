// Package ingest turns files of stake events into ledger events, one at a time, and files of a metagraph into the
// rows of a sync.
//
//	for event, err := range ingest.Read(file, file.Name(), ingest.Options{}) {
//		…
//	}
//
// [Read] gives what ledger.Apply takes. [Open] does so for several files that are one input, and [Batch] then says
// whether all of it was there. [ReadMetagraph] gives what Ledger.SyncMetagraph takes.
//
// # Forms
//
// What an input is, it tells by what it holds, not by its name. It may be packed with gzip; what is packed twice is
// refused. It is UTF-8, with or without a byte order mark, with either end of line. Blank lines are skipped.
//
// JSON comes as
//   - pages: objects with rows as "data" and, as "pagination", what part of the whole they are; one, several one
//     after the other, or an array of them;
//   - arrays of rows; one, several one after the other, or an array of them;
//   - rows: an object a line or, where the first of them is spread over lines, one after the other.
//
// CSV has the names of the fields in its first line, in any order and case, with "-" or blanks for "_", between
// commas, semicolons, tabs or bars. Where the same line comes again, since files were put one after the other, it is
// skipped. Cells may be in double quotes; none holds a line break. An empty cell is the default of a field that may be
// left out.
//
// # Events
//
// Which of these forms the rows of an input have, the first of them tells.
//
// Our own form:
//
//	{"coldkey":"5G…","hotkey":"5F…","kind":"stake","netuid":64,"extrinsic_id":"1895779-0014","event_index":47,
//	 "block":1895779,"time":"2026-01-01T02:10:48.001Z","tao":"0.165693980","alpha":"2.000000000","transfer":false}
//
// "kind" is stake or unstake, or the chain's DELEGATE, STAKE_ADDED, UNDELEGATE and STAKE_REMOVED. "event_index",
// "block" and "transfer" may be left out and are then 0, 0 (unknown) and not known. "fee" (decimal TAO) and "usd" may
// be given and are kept with the event. Amounts are strings with decimal TAO and alpha. What the command lists with
// events --json reads as the same. Any other field is an error, since it may be a known one misspelt; see [Options].
// [WriteJSONL] writes this form.
//
// Lists of trades and of positions, as the command prints them: the unstakes and the stakes that made them.
//
// Taostats' delegation response: amounts are whole rao. The nominator is the coldkey, the delegate the hotkey, and
// the number that ends the "id" of a row is the index of the event. The fee, in rao, and the dollars are kept with the
// event; fields that the ledger has no use for are ignored.
//
// Events of the chain, as Taostats' event response has them:
//
//	{"pallet":"SubtensorModule","name":"StakeAdded","args":["0xd435…","0x8eaf…","3250000","28669204",34],
//	 "index":34,"block_number":4947436,"extrinsic_id":"4947436-0014","timestamp":"2025-02-17T15:59:48Z"}
//
// Of each there are other names, for those who write events down otherwise:
//   - pallet: also section, module, module_id; in any case;
//   - name: also method, event_id, event, full_name; alone or after the pallet and a point. An object as event or
//     method may hold pallet, name and args;
//   - args: also data, params, attributes: a list of coldkey, hotkey, TAO, alpha, netuid and perhaps a fee. Accounts
//     are SS58 addresses or 0x and 64 hexadecimal digits. Amounts are whole rao: a number, or a string with digits,
//     groups of three digits between commas, or 0x and hexadecimal digits. A value may be alone in an array, or the
//     "value" of an object;
//   - index: also event_idx, event_index, or the number that ends the id: the place of the event in its block;
//   - block_number: also block_num, block, blockNumber; may be left out where the extrinsic's id has it;
//   - extrinsic_id: also extrinsic_index, extrinsic_idx, with the block or the number alone, or the number as phase
//     ({"ApplyExtrinsic":14});
//   - timestamp: also block_timestamp, time: with a zone, or seconds or milliseconds since 1970.
//
// Only StakeAdded and StakeRemoved make events; their extrinsic's id is written as above (4947436-0014), so that the
// event is the same as in a delegation response. StakeMoved, StakeSwapped, StakeTransferred and
// StakeAndHotkeyTransferred mark the events of their extrinsic as transfers, in whatever order and file they come;
// so the chain's events are held, in a temporary file where they are many, until all files are read. All others are
// skipped.
//
// # Pages
//
// Of "pagination" these are read: current_page, per_page, total_items, total_pages, next_page, prev_page. Pages of
// one response may come in any order, spread over files, and more than once; pages with the same per_page and
// total_items are of one response, and so are those that count a few more rows, which were added while the others
// were downloaded. Where a page is missing, or there are fewer rows than total_items, that is an *[IncompleteError].
//
// # Limits
//
// Input is read as a stream: memory does not grow with it, but by 16 bytes for each move of stake among the chain's
// events and by some for each page. A line, or a row of a response, may be up to 1 MiB after it was unpacked.
//
// # Errors
//
// What is wrong ends the sequence with one *[Error] that names the input, the line, in pages and arrays the page and
// the row, and the field.
package ingest
