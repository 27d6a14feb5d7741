// Command mutants takes one defence away at a time and runs the test that is named for it: the test must fail.
//
// A defence is a few lines that stand between a known trap and us. A test that passes without them is no test. Each patch in
// .ci/mutants takes one of them away and names its test; the tree is copied, so that nothing is changed where the author works.
// It is run by `make mutants` and is no part of the program.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "*", "try the patches whose name matches this pattern")
	at := flag.Int("at-once", 2, "how many trials run at the same time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	good, err := all(ctx, *only, max(*at, 1))
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !good {
		os.Exit(1)
	}
}

// all tries every wanted mutant and prints what became of each; good when all were killed.
func all(ctx context.Context, only string, at int) (good bool, err error) {
	list, err := mutants(".", only)
	if err != nil {
		return false, err
	}
	dir, err := os.MkdirTemp("", "skift-mutants-")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	benches := make(chan bench, at)
	for i := range at {
		b := bench{filepath.Join(dir, fmt.Sprint(i))}
		if err := copyTree(ctx, ".", b.dir); err != nil {
			return false, err
		}
		benches <- b
	}
	if err := allUnharmed(ctx, list, benches); err != nil {
		return false, err
	}
	began, dead := time.Now(), 0
	fmt.Printf("%-8s  %7s  %-34s  %s\n", "outcome", "took", "patch", "test")
	for f := range each(list, benches, func(b bench, m mutant) finding { return b.try(ctx, m) }) {
		fmt.Printf("%-8s  %5.1f s  %-34s  %s %s\n", f.outcome, f.took.Seconds(), f.mutant.name, f.mutant.pkg, f.mutant.run)
		if f.outcome == killed {
			dead++
		} else {
			fmt.Printf("\t%s\n", f.why)
		}
	}
	fmt.Printf("%d mutants, %d killed, in %s\n", len(list), dead, time.Since(began).Round(time.Second))
	return dead == len(list), nil
}

// allUnharmed runs every named test once on the tree as it is, package by package.
func allUnharmed(ctx context.Context, list []mutant, benches chan bench) error {
	began := time.Now()
	tests := slices.Clone(list)
	slices.SortFunc(tests, func(a, b mutant) int {
		return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.run, b.run), cmp.Compare(a.require, b.require))
	})
	tests = slices.CompactFunc(tests, func(a, b mutant) bool { return a.pkg == b.pkg && a.run == b.run && a.require == b.require })
	var packages [][]mutant
	for _, m := range tests {
		if n := len(packages); n > 0 && packages[n-1][0].pkg == m.pkg {
			packages[n-1] = append(packages[n-1], m)
			continue
		}
		packages = append(packages, []mutant{m})
	}
	var first error
	for err := range each(packages, benches, func(b bench, tests []mutant) error { return b.allPass(ctx, tests) }) {
		first = cmp.Or(first, err)
	}
	if first == nil {
		fmt.Printf("%d named tests of %d packages pass without a patch, in %s\n\n", len(tests), len(packages), time.Since(began).Round(time.Second))
	}
	return first
}

// allPass runs the named tests of one package.
func (b bench) allPass(ctx context.Context, tests []mutant) error {
	if err := b.build(ctx, tests[0].pkg); err != nil {
		return fmt.Errorf("%s without any patch: %w", tests[0].pkg, err)
	}
	for _, m := range tests {
		if err := b.unharmed(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// each does something with every item on whichever bench is free, and gives the answers in the order of the items.
func each[T, R any](items []T, benches chan bench, do func(bench, T) R) func(yield func(R) bool) {
	answers := make([]chan R, len(items))
	for i := range answers {
		answers[i] = make(chan R, 1)
	}
	return func(yield func(R) bool) {
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			for i, item := range items {
				b := <-benches
				wg.Go(func() { answers[i] <- do(b, item); benches <- b })
			}
		})
		for _, a := range answers {
			if !yield(<-a) {
				return
			}
		}
	}
}
