//go:build race

package journal_test

func init() { slowed = true }
