//go:build race

package cli_test

func init() { slowed = true }
