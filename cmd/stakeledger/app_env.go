package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// envPrefix begins the names of the variables that stand for flags.
const envPrefix = "STAKELEDGER_"

// flagName is the flag that a variable stands for: min-blocks for STAKELEDGER_MIN_BLOCKS. Empty: none.
func flagName(variable string) string {
	name, ours := strings.CutPrefix(variable, envPrefix)
	if !ours {
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}

// fromEnvironment gives every command below root the values of variables for the flags that are not given, before
// its arguments are looked at.
func fromEnvironment(root *cobra.Command) {
	check := root.Args
	root.Args = func(cmd *cobra.Command, args []string) error {
		if err := setFromEnvironment(cmd); err != nil {
			return err
		}
		return check(cmd, args)
	}
	for _, c := range root.Commands() {
		fromEnvironment(c)
	}
}

func setFromEnvironment(cmd *cobra.Command) error {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		flag := flagName(name)
		f := cmd.Flags().Lookup(flag)
		if f == nil || f.Changed || value == "" || flag == "help" || flag == "version" {
			continue
		}
		if err := cmd.Flags().Set(flag, value); err != nil {
			return usagef("%s stands for --%s: %w", escapeControls(variable), flag, err)
		}
	}
	return nil
}
