package ingest

import "io"

// readJSONLines reads rows of our own form, one a line.
func readJSONLines(in *input, take func(Row) bool) error {
	var r rowReader
	for ; ; in.line++ {
		line, err := in.nextLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if isBlank(line) {
			continue
		}
		if err := r.readObject(&scanner{text: line}, ownForm, true); err != nil {
			return err
		}
		if !take(r.row) {
			return errStopped
		}
	}
}
