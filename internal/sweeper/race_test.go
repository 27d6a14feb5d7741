//go:build race

package sweeper_test

func init() { slowed = true }
