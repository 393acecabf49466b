package main

// The exact arithmetic of package chain.
var arithmetic = []mutant{
	{
		name: "shares are rounded up", file: "chain/share.go",
		before:   "	q, _ := bits.Div64(hi, lo, uint64(c))\n",
		after:    "	q, rest := bits.Div64(hi, lo, uint64(c))\n	if rest > 0 {\n		q++\n	}\n",
		packages: "./chain ./ledger", tests: "TestMulDivFloor.*",
		why: "a share of money is rounded down; what is lost comes with the last one",
	},
	{
		name: "the product has 64 bits", file: "chain/share.go",
		before:   "	hi, lo := bits.Mul64(uint64(a), uint64(b))\n",
		after:    "	hi, lo := uint64(0), uint64(a)*uint64(b)\n",
		packages: "./chain ./ledger", tests: "TestMulDivFloor.*",
		why: "10 TAO times 10 alpha in rao do not fit",
	},
	{
		name: "shares do not telescope", file: "chain/share.go",
		before:   "	return Rao(upper - lower)\n",
		after:    "	_, _ = upper, lower\n	return Rao(MulDivFloor(int64(total), int64(after-before), int64(whole)))\n",
		packages: "./chain ./ledger", tests: "TestSharesSumToTheWhole",
		why: "each share rounded by itself loses a rao here and there",
	},
	{
		name: "amounts overflow silently", file: "chain/rao.go",
		before:   "		if n > (math.MaxInt64-d)/10 {",
		after:    "		if n > math.MaxInt64/10 {",
		packages: "./chain", tests: "TestParseRaoRefuses|TestParseRaoInt",
		why: "9223372036.854775808 would become a negative amount",
	},
	{
		name: "ten places are cut to nine", file: "chain/rao.go",
		before:   "	case len(places) > raoPlaces:",
		after:    "	case len(places) > raoPlaces+1:",
		packages: "./chain", tests: "TestParseRaoRefuses",
		why: "an amount finer than a rao is an error, never rounded",
	},
	{
		name: "small amounts lose their zeros", file: "chain/rao.go",
		before:   "	for i := len(places); ok && i < raoPlaces; i++ {",
		after:    "	for i := len(places); ok && i < raoPlaces-1; i++ {",
		packages: "./chain", tests: "TestParseRao",
		why: "1.5 TAO would be a tenth of it",
	},
	{
		name: "zones are taken the wrong way", file: "chain/time.go",
		before:   "time.UTC).Unix() - offset\n",
		after:    "time.UTC).Unix() + offset\n",
		packages: "./chain", tests: "TestParseTime",
		why: "an event would move by hours, and fall on another day",
	},
	{
		name: "nanoseconds are cut", file: "chain/time.go",
		before:   "		if unit == 0 && s[i] != '0' {",
		after:    "		if false {",
		packages: "./chain", tests: "TestParseTimeRefuses",
		why: "two events in one microsecond would change places",
	},
}
