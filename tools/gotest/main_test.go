package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	tests := []struct{ name, events, want string }{
		{
			"a package passes, one test skipped",
			`{"Action":"run","Package":"p","Test":"TestA"}
			{"Action":"output","Package":"p","Test":"TestA","Output":"noise\n"}
			{"Action":"pass","Package":"p","Test":"TestA"}
			{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}
			{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:9: ../shared is absent\n"}
			{"Action":"output","Package":"p","Test":"TestB","Output":"--- SKIP: TestB (0.00s)\n"}
			{"Action":"skip","Package":"p","Test":"TestB"}
			{"Action":"pass","Package":"p","Elapsed":1.5}`,
			"ok    p  1 tests, 1.5s\nskip  TestB: ../shared is absent\n",
		},
		{
			"a test fails: all it printed",
			`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:3: got 1, want 2\n"}
			{"Action":"fail","Package":"p","Test":"TestA"}
			{"Action":"output","Package":"p","Output":"FAIL\n"}
			{"Action":"fail","Package":"p","Elapsed":0.25}`,
			"    a_test.go:3: got 1, want 2\nFAIL\nFAIL  p  250ms\n",
		},
		{
			"a crash: the test it cut short",
			`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: boom\n"}
			{"Action":"fail","Package":"p"}`,
			"panic: boom\nFAIL  p  0s\n",
		},
		{
			"the build fails: what the compiler said",
			`{"Action":"build-output","ImportPath":"p","Output":"x.go:1: undefined: y\n"}
			{"Action":"output","Package":"p","Output":"FAIL p [build failed]\n"}
			{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			"x.go:1: undefined: y\nFAIL  p  0s\n",
		},
		{
			"no tests: nothing to say",
			`{"Action":"output","Package":"p","Output":"?   p [no test files]\n"}
			{"Action":"skip","Package":"p"}`,
			"",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got strings.Builder
			if err := newReport(&got).read(strings.NewReader(test.events)); err != nil {
				t.Fatal(err)
			}
			if got.String() != test.want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), test.want)
			}
		})
	}
}

func TestRunReturnsTheExitCode(t *testing.T) {
	var out strings.Builder
	code, err := run([]string{"./nowhere"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	if code == 0 {
		t.Errorf("a package that does not exist: got exit code 0; printed %s", out.String())
	}
}
