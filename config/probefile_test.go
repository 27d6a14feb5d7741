package config_test

import (
	"crypto/rand"
	"encoding"
	"encoding/json"
	"maps"
	"reflect"
	"testing"
	"time"

	"skift/checks"
	"skift/internal/plan"
	"skift/internal/probefile"
)

// examplesOf are the checks of a kind that its page shows, each read within the plan "two-services" of the plan reference.
func examplesOf(t *testing.T, kind checks.Kind) (out []*checks.Spec) {
	t.Helper()
	page, base := checkPage(t, kind), examples(document(t, "plan-reference.md"), true)["two-services"]
	for _, m := range yamlBlock.FindAllStringSubmatch(page, -1) {
		fsys := maps.Clone(base)
		maps.Copy(fsys, examples(page, false)[""])
		fsys["plan.yaml"] = withChecks(base["plan.yaml"].Data, m[1])
		p, problems := plan.Load(fsys)
		if problems.Errors() > 0 {
			t.Fatal(problems.Sorted())
		}
		for _, id := range p.CheckIDs {
			if p.Checks[id].Kind == kind {
				out = append(out, p.Checks[id])
			}
		}
	}
	return out
}

// Whatever a check of any kind asks for arrives on another host as it was written, so that no kind can be forgotten; what looks at files
// here cannot be sent anywhere.
func TestEveryKindTravels(t *testing.T) {
	t.Parallel()
	for _, def := range checks.Kinds() {
		specs := examplesOf(t, def.Kind)
		if len(specs) == 0 {
			t.Errorf("no example of %s", def.Kind)
		}
		for _, spec := range specs {
			stays(t, reflect.TypeOf(spec.Options), string(def.Kind))
			a := checks.Ask{Spec: spec, Unit: checks.Unit{Check: spec.ID, Side: checks.New, Addr: "203.0.113.10:443", Vantage: "archive"},
				ServerName: "prod.example", Want: checks.Allow, Phase: checks.Before}
			for _, name := range spec.Bundles() {
				if a.Trust == nil {
					a.Trust = map[string][]byte{}
				}
				a.Trust[name] = []byte("PEM of " + name)
			}
			for _, c := range spec.Columns() {
				if a.Flow == nil {
					a.Flow = map[string]string{}
				}
				a.Flow[c] = "value of " + c
			}
			travels(t, a)
		}
	}
}

func travels(t *testing.T, a checks.Ask) {
	t.Helper()
	made := time.Date(2019, 11, 8, 12, 0, 0, 0, time.UTC)
	e := probefile.Export{ID: "ask-1", Plan: "move", Language: "da", Party: "k101", Environment: "prod", MadeAt: made, ExpiresAt: made.Add(time.Hour)}
	err := e.Add(a)
	if _, placeless := a.Spec.Placeless(); placeless {
		if err == nil {
			t.Errorf("%s %s: files that lie here are asked for elsewhere", a.Spec.Kind, a.Spec.ID)
		}
		return
	}
	if err != nil {
		t.Errorf("%s %s: %v", a.Spec.Kind, a.Spec.ID, err)
		return
	}
	if _, err := e.NewKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	data, err := e.Write()
	if err != nil {
		t.Fatal(err)
	}
	there, err := probefile.ReadExport(data)
	if err != nil {
		t.Errorf("%s %s: %v", a.Spec.Kind, a.Spec.ID, err)
		return
	}
	got, err := there.Asks()
	if err != nil || len(got) != 1 {
		t.Fatalf("%s %s: %d, %v", a.Spec.Kind, a.Spec.ID, len(got), err)
	}
	if got[0].Hash() != a.Hash() {
		t.Errorf("%s %s: it was\n%+v and became\n%+v", a.Spec.Kind, a.Spec.ID, a.Spec.Options, got[0].Spec.Options)
	}
}

// readHere are the fields of options that say how an answer is read here, not what is asked.
var readHere = map[string]bool{"reach.WarnAfter": true}

// stays reports a field of options that JSON leaves behind.
func stays(t *testing.T, typ reflect.Type, where string) {
	t.Helper()
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	for _, own := range []reflect.Type{reflect.TypeFor[encoding.TextMarshaler](), reflect.TypeFor[json.Marshaler]()} {
		if typ.Implements(own) {
			return
		}
	}
	if typ.Kind() != reflect.Struct {
		return
	}
	for f := range typ.Fields() {
		if readHere[where+"."+f.Name] {
			continue
		}
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			t.Errorf("%s.%s is left behind when the question travels", where, f.Name)
			continue
		}
		stays(t, f.Type, where+"."+f.Name)
	}
}
