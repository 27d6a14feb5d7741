package cli

import (
	"slices"

	"github.com/spf13/cobra"
)

// onWindows are the commands that exist there: it is where a party looks from, and nothing is run from.
var onWindows = []string{"skift check", "skift freeze", "skift freeze check", "skift help", "skift probe", "skift probe run"}

// offer takes away what a system does not offer.
func offer(c *cobra.Command, system string) {
	if system != "windows" {
		return
	}
	for _, sub := range c.Commands() {
		path := sub.CommandPath()
		if slices.Contains(onWindows, path) {
			offer(sub, system)
			continue
		}
		refuse(sub)
	}
}

// refuse makes a command, and what is below it, say that it is not offered.
func refuse(c *cobra.Command) {
	path := c.CommandPath()
	c.Hidden, c.DisableFlagParsing, c.Args = true, true, cobra.ArbitraryArgs
	c.RunE = func(*cobra.Command, []string) error {
		return usage(path+" is not offered on Windows", "skift probe run, skift freeze check and skift check are; the rest runs where the plan is")
	}
	for _, sub := range c.Commands() {
		refuse(sub)
	}
}
