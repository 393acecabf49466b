package main

import (
	"os"
	"slices"
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
	for _, variable := range standingIn(cmd) {
		name, value, _ := strings.Cut(variable, "=")
		if err := cmd.Flags().Set(flagName(name), value); err != nil {
			return usagef("%s stands for --%s: %w", escapeControls(variable), flagName(name), plainFlagError(err))
		}
	}
	return nil
}

// standingIn are the variables, as name=value, that stand for flags of cmd. Where the flag is given, or one that
// excludes it, the variable does not count.
func standingIn(cmd *cobra.Command) (variables []string) {
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		flag := flagName(name)
		f := cmd.Flags().Lookup(flag)
		if f == nil || f.Changed || value == "" || flag == "help" || flag == "version" {
			continue
		}
		if !slices.ContainsFunc(f.Annotations[excludes], cmd.Flags().Changed) {
			variables = append(variables, variable)
		}
	}
	return variables
}
