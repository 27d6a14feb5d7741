// Command skift runs the transition of an IT platform from one supplier to another.
package main

import (
	"os"

	"skift/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
