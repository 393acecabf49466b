package isolation_test

import (
	"fmt"
	"math/rand/v2"
)

// A plan says what the clients of a history ask for.
type plan struct {
	Fails   int // of a hundred writes, how many end with an error of their own
	Cancels int // of a hundred operations, how many have a context that ends
	Strays  int // of a hundred writes, how many also try what must not outlast them
}

// script makes n operations for one client. Names begin with prefix.
func (p plan) script(random *rand.Rand, prefix string, n int) []op {
	list := make([]op, n)
	for i := range list {
		o := op{Name: fmt.Sprint(prefix, i), Cell: random.IntN(2)}
		switch random.IntN(10) {
		case 0, 1:
			o.Kind = look
		case 2:
			o.Kind = peek
		case 3, 4:
			o.Kind = transfer
			o.From = random.IntN(4)
			o.To = (o.From + 1 + random.IntN(3)) % 4
			o.Amount = 1 + random.Int64N(startBalance)
		case 5, 6:
			o.Kind = count
		case 7, 8:
			o.Kind = note
		case 9:
			o.Kind = nest
		}
		o.Fails = o.Kind != look && o.Kind != peek && random.IntN(100) < p.Fails
		o.Wary = p.Strays > 0
		if o.Kind != look && o.Kind != peek && random.IntN(100) < p.Strays {
			o.Stray = strays[random.IntN(len(strays))]
		}
		if random.IntN(100) < p.Cancels {
			o.Cancel = []string{"soon", "inside"}[random.IntN(2)]
		}
		list[i] = o
	}
	return list
}
