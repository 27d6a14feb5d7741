//go:build race

package scheduler_test

func init() { slowed = true }
