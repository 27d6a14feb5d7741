package action

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strconv"
	"strings"

	"skift/internal/secret"
	"skift/internal/term"
)

// cleaner takes a stream from another program or host and keeps of it what may be kept: masked, harmless on a
// terminal, its beginning and end. It hashes the stream as it came.
type cleaner struct {
	raw    hash.Hash
	size   int64
	stages []io.WriteCloser // in the order in which they are closed
	kept   *capture
}

// newCleaner makes a cleaner that keeps at most limit bytes. Secrets are masked before the escape sequences are taken
// out, which may be part of a secret's text, and once more after, because they may have been put inside one.
func (a *Actions) newCleaner(limit int) *cleaner {
	c := &cleaner{raw: sha256.New(), kept: newCapture(limit)}
	last := a.cfg.Masker.Writer(c.kept)
	strip := term.NewStripper(last)
	c.stages = []io.WriteCloser{a.cfg.Masker.Writer(strip), strip, last}
	return c
}

func (c *cleaner) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	c.raw.Write(p)
	return c.stages[0].Write(p)
}

// finish puts what was kept into the outcome, and the last line into the summary of a failure.
func (c *cleaner) finish(o *Outcome) {
	for _, s := range c.stages {
		_ = s.Close() // they end in memory
	}
	o.Output = bytes.ToValidUTF8(c.kept.bytes(secret.MaskCivil), []byte("\uFFFD"))
	o.Facts["output_bytes"] = strconv.FormatInt(c.size, 10)
	o.Facts["raw_sha256"] = hex.EncodeToString(c.raw.Sum(nil)) // what Output was before masking and cutting
	if last := lastLine(o.Output); !o.OK && last != "" {
		o.Summary += "; its last words: " + last
	}
	if cut := c.kept.cut(); cut > 0 {
		o.Facts["output_cut"] = strconv.FormatInt(cut, 10)
	}
}

// lastLine is the last line with text in it, at most 160 columns wide: a program's last words are most often the reason.
func lastLine(output []byte) string {
	text := strings.TrimSpace(string(output[max(0, len(output)-4096):]))
	return term.Truncate(strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:]), 160)
}

// text makes a piece of text from elsewhere harmless and fit for one line.
func (a *Actions) text(s string) string {
	s = a.cfg.Masker.Mask(term.Strip(a.cfg.Masker.Mask(s)))
	return term.Line(secret.MaskCivil(strings.Join(strings.Fields(s), " ")))
}

// harmless masks the secrets in what an outcome says about itself. Civil registration numbers are masked where free text
// comes in, not here: sizes and hashes may look like one.
func (a *Actions) harmless(o Outcome) Outcome {
	o.Summary = term.Line(a.cfg.Masker.Mask(o.Summary))
	for k, v := range o.Facts {
		o.Facts[k] = term.Line(a.cfg.Masker.Mask(v))
	}
	return o
}
