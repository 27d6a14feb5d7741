package checks

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestOptionsTravel: what a check asks for can be written down, read elsewhere, and is then the same question.
func TestOptionsTravel(t *testing.T) {
	t.Parallel()
	texts := []string{
		"c: {kind: tls, service: gateway, valid_at: [cutover.end], min_days: 30, trusted_by: [pki/oces.pem], names: [a.example]}",
		"c: {kind: reach, service: gateway, for_each: flows, proof: tls}",
		"c: {kind: sftp, service: sftp, user: skift, key: file:keys/id_ed25519, host_key: {old: [\"" + pin + "\"]}}",
		"c: {kind: sftp, service: sftp, for_each: flows, user: {column: login}, key: env:KEY, host_key: {new: [\"" + pin + "\"]}, dir: {column: folder}}",
		"c: {kind: sftp, service: sftp, level: banner}",
	}
	for _, text := range texts {
		spec, problems := read(t, text)
		if problems.Errors() > 0 {
			t.Fatal(problems.Sorted())
		}
		data, err := json.Marshal(spec.Options)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ReadOptions(spec.Kind, data)
		if err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		elsewhere := *spec
		elsewhere.Options = got
		if (Ask{Spec: spec}).Hash() != (Ask{Spec: &elsewhere}).Hash() {
			t.Errorf("%s was read as %+v", data, got)
		}
	}
	for _, def := range Kinds() {
		if def.empty() == nil {
			t.Errorf("%s has no options", def.Kind)
		}
	}
	for kind, text := range map[Kind]string{Reach: `{"proof":"tls","also":1}`, TLS: `{"min_days":"x"}`, "mind": `{}`, SFTP: `{"level":"list","key":"hunter2"}`} {
		_, err := ReadOptions(kind, []byte(text))
		if err == nil {
			t.Errorf("%s %s is accepted", kind, text)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
}

// Options that are taken from elsewhere are written as they were read: they are the same question.
func FuzzReadOptions(f *testing.F) {
	f.Add("tls", `{"valid_at":["cutover.end"],"min_days":30}`)
	f.Add("reach", `{"proof":"tls"}`)
	f.Add("sftp", `{"level":"list","user":{"Column":"login"},"key":"env:KEY"}`)
	f.Add("sftp", `{"level":"list","key":"hunter2"}`)
	f.Add("mind", `{}`)
	f.Fuzz(func(t *testing.T, kind, text string) {
		o, err := ReadOptions(Kind(kind), []byte(text))
		if err != nil {
			return
		}
		data, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ReadOptions(Kind(kind), data)
		if err != nil {
			t.Fatalf("%s is written as %s: %v", text, data, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(data) {
			t.Errorf("%s is written as %s and then as %s, %v", text, data, twice, err)
		}
	})
}
