//go:build race && unix

package forecast_test

func init() { slowed = true }
