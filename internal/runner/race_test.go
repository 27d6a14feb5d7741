//go:build race && unix

package runner_test

func init() { slowed = true }
