package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/stakeledger/stakeledger/ingest"
)

// stdinName stands for standard input, as an argument and in messages.
const stdinName = "-"

// inputFile is a file or standard input.
type inputFile struct {
	io.Reader
	name  string
	close func() error
}

func (in inputFile) Close() error { return in.close() }

// openInput opens a file, or standard input for "-"; op is the operation in its errors. Once ctx has
// ended, a read that waits for a pipe or a terminal returns its error.
func openInput(ctx context.Context, op string, stdin io.Reader, file string) (inputFile, error) {
	if file == stdinName {
		return inputFile{untilDone(ctx, stdin), "standard input", func() error { return nil }}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return inputFile{}, fmt.Errorf("%s: %w", op, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		_ = f.Close()
		return inputFile{}, fmt.Errorf("%s: %w", op, err)
	case info.IsDir():
		_ = f.Close()
		return inputFile{}, fmt.Errorf("%s %s: it is a folder; name the files in it", op, file)
	case info.Mode().IsRegular():
		return inputFile{f, file, f.Close}, nil
	default:
		return inputFile{untilDone(ctx, f), file, f.Close}, nil
	}
}

// openInputs opens files that are one input together, or standard input; op is the operation in errors. After an
// error none is open.
func (a *app) openInputs(ctx context.Context, op string, stdin io.Reader, files []string) (inputs []ingest.File, closeAll func(), err error) {
	var opened []inputFile
	closeAll = func() {
		for _, in := range opened {
			_ = in.Close() // was only read
		}
	}
	if i := slices.Index(files, stdinName); i >= 0 && slices.Contains(files[i+1:], stdinName) {
		return nil, nil, usagef("%s: standard input (-) is given twice", op)
	}
	for _, file := range files {
		if err := a.notTheLedger(op, file); err != nil {
			closeAll()
			return nil, nil, err
		}
		in, err := openInput(ctx, op, stdin, file)
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		opened = append(opened, in)
		inputs = append(inputs, ingest.File{Name: in.name, Reader: in.Reader})
	}
	return inputs, closeAll, nil
}

// inputNames are the names of inputs for a message; if there are many, their
// number.
func inputNames(inputs []ingest.File) string {
	if len(inputs) > 3 {
		return fmt.Sprintf("%d files", len(inputs))
	}
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.Name
	}
	return strings.Join(names, ", ")
}

// readResult is the result of one Read.
type readResult struct {
	data []byte
	err  error
}

// contextReader is a reader whose Read returns when a context ends.
type contextReader struct {
	ctx    context.Context
	chunks chan readResult
	free   chan []byte // the buffer for the next read
	now    readResult  // the rest of the current chunk
	buffer []byte      // of the current chunk
}

// untilDone reads r on a goroutine of its own, one chunk ahead, so that a read that never returns does
// not block the caller once ctx has ended. The goroutine ends with r, or with the process if it is
// stuck in a read.
func untilDone(ctx context.Context, r io.Reader) io.Reader {
	w := &contextReader{ctx: ctx, chunks: make(chan readResult), free: make(chan []byte, 2)}
	w.free <- make([]byte, 1<<16)
	w.free <- make([]byte, 1<<16)
	go func() {
		for buffer := range w.free {
			n, err := r.Read(buffer)
			select {
			case w.chunks <- readResult{buffer[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return w
}

// Read returns what has been read ahead.
func (w *contextReader) Read(p []byte) (int, error) {
	for len(w.now.data) == 0 {
		if w.now.err != nil {
			return 0, w.now.err
		}
		if w.buffer != nil {
			w.free <- w.buffer
			w.buffer = nil
		}
		select {
		case w.now = <-w.chunks:
			w.buffer = w.now.data[:cap(w.now.data)]
		case <-w.ctx.Done():
			return 0, context.Cause(w.ctx)
		}
	}
	n := copy(p, w.now.data)
	w.now.data = w.now.data[n:]
	return n, nil
}
