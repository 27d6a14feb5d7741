package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
)

// Two steps may hand over the same list at the same time, and a third may read it: each list is whole at any moment, and nothing is left beside it.
func TestListIsHandedOverByTwoAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lists")
	list := bytes.Repeat([]byte("IN/message-0001.xml,1,00\n"), 1000)
	var hands errgroup.Group
	for range 8 {
		hands.Go(func() error {
			for range 50 {
				if err := handOverFile(dir, "data-old.csv", list); err != nil {
					return err
				}
				if got, err := os.ReadFile(filepath.Join(dir, "data-old.csv")); err != nil || !bytes.Equal(got, list) {
					t.Errorf("read %d of %d bytes, error %v", len(got), len(list), err)
				}
			}
			return nil
		})
	}
	if err := hands.Wait(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, error %v; want the list alone", left, err)
	}
}
