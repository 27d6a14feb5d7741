//go:build !linux && !darwin

package term

import (
	"context"
	"os"
)

// OnKey reads no keys here: Ctrl-C ends what is shown.
func OnKey(context.Context, *os.File, func(key byte)) (done func()) { return func() {} }
