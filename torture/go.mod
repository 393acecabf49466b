module github.com/stakeledger/stakeledger/torture

go 1.26.0

require github.com/stakeledger/stakeledger v0.0.0

require (
	github.com/anishathalye/porcupine v1.3.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
)

replace github.com/stakeledger/stakeledger => ../
