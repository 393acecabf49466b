package model

// kept are histories on which ledger and model differed, or which show how a case
// that the rules leave open was decided.
var kept = []struct{ name, text string }{
	{"an unstake that met nothing counts in the order of events", `{}
{"do":"apply","events":[{"k":"unstake","m":2,"x":"0x0005","n":2,"h":2,"b":5003059,"t":1750036709655716,"tao":1,"alpha":502071928}]}
{"do":"stake","events":[{"k":"stake","m":2,"x":"5003058-1","n":2,"h":2,"b":5003058,"t":1750036709655715,"tao":5,"alpha":7}]}
{"do":"rebuild","miner":2}
`},
	{"of several reasons to ignore an event the first is recorded", `{}
{"do":"register","miner":1,"tracking":5000}
{"do":"apply","events":[{"k":"stake","m":1,"x":"1-1","n":0,"h":0,"b":1,"t":4999,"tao":0,"alpha":0,"excluded":true},{"k":"stake","m":1,"x":"2-1","n":0,"h":0,"b":2,"t":5000,"tao":0,"alpha":0,"excluded":true},{"k":"stake","m":1,"x":"3-1","n":1,"h":0,"b":3,"t":5000,"tao":0,"alpha":7,"excluded":true},{"k":"stake","m":1,"x":"4-1","n":1,"h":0,"b":4,"t":5000,"tao":7,"alpha":7,"excluded":true}]}
`},
	{"extrinsics of one block come as numbers, then as text", `{}
{"do":"apply","events":[{"k":"stake","m":1,"x":"zz","n":1,"h":0,"b":9,"t":100,"tao":10,"alpha":3},{"k":"stake","m":1,"x":"9-10","n":1,"h":0,"b":9,"t":100,"tao":20,"alpha":3},{"k":"stake","m":1,"x":"9-9","n":1,"h":0,"b":9,"t":100,"tao":30,"alpha":3},{"k":"stake","m":1,"x":"9-009","n":1,"h":0,"b":9,"t":100,"tao":40,"alpha":3},{"k":"unstake","m":1,"x":"10-1","n":1,"h":0,"b":10,"t":101,"tao":50,"alpha":7}]}
`},
	{"a trade that comes late does not bring a position's last exit forward", `{}
{"do":"register","miner":1}
{"do":"stake","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"t":100,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"t":300,"tao":10,"alpha":1}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"2-1","n":1,"h":0,"t":200,"tao":10,"alpha":2}]}
{"do":"archive","before":300}
{"do":"archive","before":301}
`},
	{"an unknown position in a list comes before one that cannot be closed", `{}
{"do":"register","miner":1}
{"do":"stake","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"t":100,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"2-1","n":1,"h":0,"t":200,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"t":300,"tao":10,"alpha":3}],"mode":"lenient","list":[{"m":1,"x":"1-1"},{"m":1,"x":"nobody"}]}
{"do":"archive","before":1000}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"t":300,"tao":10,"alpha":3}],"mode":"lenient","list":[{"m":1,"x":"1-1"}]}
`},
	{"a replay turns a gain round by more than 64 bits hold", `{"batch":1}
{"do":"apply","events":[{"k":"unstake","m":3,"x":"5020044-0018","n":1,"h":2,"b":5020044,"t":1750350345030747,"tao":4611686018427387903,"alpha":10766491},{"k":"unstake","m":3,"x":"5010006-0007","n":1,"h":0,"b":5010006,"t":1750174331717723,"tao":485148963,"alpha":2}],"min_blocks":9223372036854775807}
{"do":"stake","events":[{"k":"stake","m":3,"x":"5040697-0063","n":1,"h":2,"b":5040697,"t":1750724072166740,"tao":80621315222,"alpha":4611686018427387903}]}
{"do":"stake","events":[{"k":"stake","m":3,"x":"5040708-0064","n":1,"h":1,"b":5040708,"t":1750724192706796,"tao":4611686018427387903,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":3,"x":"5040710-0066","n":1,"h":0,"b":5040710,"t":1750724206133962,"tao":14689072065,"alpha":4611686019023689212}],"mode":"lenient","min_blocks":10000,"policy":"zero"}
{"do":"apply","events":[{"k":"stake","m":3,"x":"5062219-0076","n":1,"h":0,"b":5061825,"t":1748546990607365,"tao":230732732,"alpha":6933819981467054}],"min_blocks":9223372036854775807,"policy":"zero","no_register":true}`},
	{"what is archived lives again where a late unstake takes its close", `{}
{"do":"register","miner":1}
{"do":"stake","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"t":100,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"4-1","n":1,"h":0,"t":400,"tao":12,"alpha":3}],"min_blocks":0}
{"do":"archive","before":1000}
{"do":"apply","events":[{"k":"stake","m":1,"x":"0-1","n":1,"h":0,"t":50,"tao":9,"alpha":2}]}
{"do":"rebuild","miner":1}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"5-1","n":1,"h":0,"t":500,"tao":12,"alpha":2}]}
{"do":"archive","before":1000}
`},
	{"strict is a fact in a rebuild", `{}
{"do":"register","miner":1}
{"do":"stake","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"t":100,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"4-1","n":1,"h":0,"t":400,"tao":12,"alpha":3}],"list":[{"m":1,"x":"1-1"}]}
{"do":"apply","events":[{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"t":300,"tao":9,"alpha":2}]}
{"do":"rebuild","miner":1}
`},
	{"a sum that 64 bits do not hold is rejected, and what comes after goes on", `{"batch":1}
{"do":"apply","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"t":100,"tao":9223372036854775807,"alpha":1},{"k":"stake","m":1,"x":"2-1","n":1,"h":0,"t":200,"tao":1,"alpha":1},{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"t":300,"tao":7,"alpha":1}]}
{"do":"stake","events":[{"k":"stake","m":1,"x":"4-1","n":1,"h":0,"t":400,"tao":1,"alpha":1}]}
`},
	{"no minimum of blocks is met also by an exit of an earlier block", `{}
{"do":"register","miner":1}
{"do":"stake","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"b":500,"t":100,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"2-1","n":1,"h":0,"b":400,"t":200,"tao":12,"alpha":1}],"min_blocks":0}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"b":400,"t":300,"tao":12,"alpha":1}],"min_blocks":1}
`},
	{"last in would be closed first", `{}
{"do":"apply","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"b":1,"t":100,"tao":10,"alpha":3},{"k":"stake","m":1,"x":"2-1","n":1,"h":0,"b":2,"t":200,"tao":20,"alpha":3},{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"b":900,"t":300,"tao":12,"alpha":4}]}
`},
	{"shares that do not telescope lose a rao", `{}
{"do":"register","miner":1}
{"do":"stake","events":[{"k":"stake","m":1,"x":"1-1","n":1,"h":0,"t":100,"tao":10,"alpha":3}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"2-1","n":1,"h":0,"t":200,"tao":11,"alpha":1}]}
{"do":"unstake","events":[{"k":"unstake","m":1,"x":"3-1","n":1,"h":0,"t":300,"tao":11,"alpha":2}]}
`},
}
