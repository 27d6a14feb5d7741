//go:build race && unix

package app_test

func init() { slowed = true }
