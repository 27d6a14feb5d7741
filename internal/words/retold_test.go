package words_test

import (
	"testing"

	"skift/internal/words"
)

// TestRetold: what the engine wrote in the journal is said in Danish, with whatever stands in it; a person's words stay as they are.
func TestRetold(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"verified":            "efterprøvet",
		"2 mails queued":      "2 mails i kø",
		"reached by a run":    "nået af en kørsel",
		"all went well":       "all went well",
		"":                    "",
		"verified by me":      "verified by me",
		"{more} failed: $1":   "{more} fejlede: $1",
		"no-go at cutover-go": "No-go ved cutover-go",
		"136 of 138 measurements are as they must be; worst: gateway-allow on the new side: whitelist_missing": "136 af 138 målinger er, som de skal være; værst: gateway-allow på den nye side: whitelist_missing",
		"look failed: 1 of 2 measurements are as they must be":                                                 "look fejlede: 1 af 2 målinger er, som de skal være",
		"./copy ended with exit code 3; its last words: disk full":                                             "./copy sluttede med kode 3; dets sidste ord: disk full",
		"weekend-2 ended failed: copy failed: ./copy ended with exit code 1":                                   "weekend-2 sluttede failed: copy fejlede: ./copy sluttede med kode 1",
	} {
		if got := words.In(words.Da).Retold(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if got := words.In(words.En).Retold(text); got != text {
			t.Errorf("in English %q became %q", text, got)
		}
	}
}

// FuzzRetold: whatever is written, it neither panics nor is it lost.
func FuzzRetold(f *testing.F) {
	for _, s := range []string{"verified", "a failed: b failed: c", "its go was for {run}", "x; its last words: y", "1 of 2 measurements are as they must be"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := words.In(words.Da).Retold(text); text != "" && got == "" {
			t.Errorf("%q was lost", text)
		}
	})
}
