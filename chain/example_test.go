package chain_test

import (
	"encoding/json"
	"fmt"

	"github.com/stakeledger/stakeledger/chain"
)

// Amounts are whole rao. They are written as decimal TAO, exactly.
func ExampleRao() {
	amount := 3 * chain.Rao(chain.RaoPerTAO) / 2
	fmt.Println(amount)
	fmt.Println(chain.Rao(-1))

	text, err := json.Marshal(amount)
	fmt.Println(string(text), err)
	// Output:
	// 1.500000000
	// -0.000000001
	// "1.500000000" <nil>
}

func ExampleParseRao() {
	amount, err := chain.ParseRao("0.165693980")
	fmt.Println(int64(amount), err)

	_, err = chain.ParseRao("0.1656939801") // would have to be rounded
	fmt.Println(err)
	_, err = chain.ParseRao("1e-3")
	fmt.Println(err)
	// Output:
	// 165693980 <nil>
	// amount "0.1656939801": more than 9 decimal places; a rao is the smallest unit
	// amount "1e-3": not a plain decimal number such as 1.5 or 0.000000001
}
