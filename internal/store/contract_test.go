package store_test

import (
	"testing"

	"go.uber.org/goleak"

	"skift/internal/store"
	"skift/internal/storetest"
)

func TestMain(m *testing.M) {
	if crashChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) *store.Store { return storetest.New(t) })
}
