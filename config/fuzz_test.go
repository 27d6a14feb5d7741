package config_test

import (
	"strings"
	"testing"

	"skift/config"
	"skift/internal/diag"
)

func FuzzRead(f *testing.F) {
	f.Add("data: .skift\ngrace: 5m\nbudget: {parallel: 4, total: 64, ssh_gap: 20s}\n")
	f.Add("listen: 0.0.0.0:80\nbase_url: ftp://u:p@x\n")
	f.Add("smtp: {host: mail.example, from: a@b.example, user: x, password: hunter2}\n")
	f.Fuzz(func(t *testing.T, src string) {
		var problems diag.List
		s := config.Read([]byte(src), &problems)
		sorted := problems.Sorted()
		lines := strings.Count(src, "\n") + 1
		for _, p := range sorted {
			if p.Line < 1 || p.Line > lines || p.Message == "" {
				t.Errorf("a problem outside the file: %v", p)
			}
		}
		if len(sorted) == 0 && (s.Data == "" || s.Budget.Parallel < 1 || s.Budget.Total < 1 || s.Grace < 0) {
			t.Errorf("taken without a problem: %+v", s)
		}
	})
}
