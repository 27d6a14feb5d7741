package demo

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
)

func TestTell(t *testing.T) {
	var out bytes.Buffer
	end, err := Run(context.Background(), Options{Fault: Fault(os.Getenv("F")), NoFix: os.Getenv("NOFIX") != "", Out: io.MultiWriter(&out, os.Stdout), Log: slog.New(slog.NewTextHandler(os.Stdout, nil))})
	t.Log(end, err)
}
