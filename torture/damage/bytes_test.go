package damage_test

import (
	"fmt"
	"math/rand/v2"
	"os"
)

const pageBytes = 4096

// A spoiling is one way to damage a file, and says what it did.
type spoiling func(r *rand.Rand, file []byte) ([]byte, string)

var spoilings = []spoiling{flipBits, flipBits, flipBits, overwrite, swapPages, copyPage, zeroPage, cut}

// flipBits flips a few bits, one in four times all in the header and the schema.
func flipBits(r *rand.Rand, file []byte) ([]byte, string) {
	within := len(file)
	if r.IntN(4) == 0 {
		within = pageBytes
	}
	text := "bits flipped:"
	for range 1 + r.IntN(8) {
		bit := r.IntN(within * 8)
		file[bit/8] ^= 1 << (bit % 8)
		text += fmt.Sprintf(" %d", bit)
	}
	return file, text
}

func overwrite(r *rand.Rand, file []byte) ([]byte, string) {
	at, n := r.IntN(len(file)), 1+r.IntN(200)
	for i := at; i < min(len(file), at+n); i++ {
		file[i] = byte(r.UintN(256))
	}
	return file, fmt.Sprintf("bytes %d to %d overwritten", at, at+n)
}

func page(file []byte, n int) []byte { return file[n*pageBytes : (n+1)*pageBytes] }

func swapPages(r *rand.Rand, file []byte) ([]byte, string) {
	x, y := r.IntN(len(file)/pageBytes), r.IntN(len(file)/pageBytes)
	was := append([]byte{}, page(file, x)...)
	copy(page(file, x), page(file, y))
	copy(page(file, y), was)
	return file, fmt.Sprintf("pages %d and %d swapped", x+1, y+1)
}

// copyPage puts a page in another's place, as a write that went astray.
func copyPage(r *rand.Rand, file []byte) ([]byte, string) {
	x, y := r.IntN(len(file)/pageBytes), r.IntN(len(file)/pageBytes)
	copy(page(file, x), page(file, y))
	return file, fmt.Sprintf("page %d overwritten with page %d", x+1, y+1)
}

func zeroPage(r *rand.Rand, file []byte) ([]byte, string) {
	n := r.IntN(len(file) / pageBytes)
	clear(page(file, n))
	return file, fmt.Sprintf("page %d zeroed", n+1)
}

func cut(r *rand.Rand, file []byte) ([]byte, string) {
	n := r.IntN(len(file))
	if r.IntN(2) == 0 {
		n -= n % pageBytes
	}
	return file[:n], fmt.Sprintf("cut to %d bytes", n)
}

// spoilBytes damages the file at path.
func spoilBytes(r *rand.Rand, path string) (string, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := ""
	for range 1 + r.IntN(2) {
		var did string
		if len(file) < 2*pageBytes {
			break
		}
		file, did = spoilings[r.IntN(len(spoilings))](r, file)
		text += did + "; "
	}
	return text, os.WriteFile(path, file, 0o600)
}
