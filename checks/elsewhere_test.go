package checks

import "testing"

// What follows from other vantages, and what does not.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	answered := map[string]string{FactControl: ControlAnswered}
	in := Glimpse{Vantage: "k2", Outcome: Pass, Code: OK}
	away := Glimpse{Vantage: "k3", Outcome: Fail, Code: FilteredDrop, Facts: answered}
	unproven := Glimpse{Vantage: "k4", Outcome: Fail, Code: FilteredDrop}
	blind := Glimpse{Vantage: "k5", Outcome: Error, Code: VantageBind}
	other := Glimpse{Vantage: "k6", Outcome: Fail, Code: ProtoMismatch}
	forbidden := Glimpse{Vantage: "k7", Outcome: Fail, Code: HTTPStatus, Facts: map[string]string{FactControl: ControlAnswered, FactHTTPStatus: "403"}}
	cases := []struct {
		name   string
		code   Code
		facts  map[string]string
		others []Glimpse
		want   Code
	}{
		{"works elsewhere", Refused, answered, []Glimpse{away, in}, WhitelistMissing},
		{"dropped, works elsewhere", FilteredDrop, answered, []Glimpse{in}, WhitelistMissing},
		{"closed, works elsewhere", ClosedPreBanner, answered, []Glimpse{in}, WhitelistMissing},
		{"silent, works elsewhere", Silent, answered, []Glimpse{in}, WhitelistMissing},
		{"works elsewhere with a warning", Refused, answered, []Glimpse{{Outcome: Warn}}, WhitelistMissing},
		{"turned away everywhere", Refused, answered, []Glimpse{away}, TargetDown},
		{"the other's way out is unproven", Refused, answered, []Glimpse{unproven}, Refused},
		{"the other could not look", Refused, answered, []Glimpse{blind}, Refused},
		{"there is no other", Refused, answered, nil, Refused},
		{"another sort of answer elsewhere", Refused, answered, []Glimpse{away, other}, Refused},
		{"own control silent", Refused, map[string]string{FactControl: ControlSilent}, []Glimpse{in}, Refused},
		{"no own control, works elsewhere", Refused, nil, []Glimpse{in}, WhitelistMissing},
		{"no own control, turned away everywhere", Refused, nil, []Glimpse{away}, Refused},
		{"no failure of an allow-list", ProtoMismatch, answered, []Glimpse{in}, ProtoMismatch},
		{"throttled", RefusedText, answered, []Glimpse{in}, RefusedText},
		{"not observed", Unobserved, map[string]string{FactControl: ControlAnswered, FactSeen: "refused"}, []Glimpse{in}, Unobserved},
		{"403, works elsewhere", HTTPStatus, forbidden.Facts, []Glimpse{in}, WhitelistMissing},
		{"403 everywhere: it does answer", HTTPStatus, forbidden.Facts, []Glimpse{forbidden}, HTTPStatus},
		{"dropped here, 403 elsewhere", FilteredDrop, answered, []Glimpse{forbidden}, FilteredDrop},
		{"a conclusion stands", WhitelistMissing, map[string]string{FactControl: ControlAnswered, FactSeen: "refused"}, []Glimpse{away}, WhitelistMissing},
		{"a conclusion is bettered", TargetDown, map[string]string{FactControl: ControlAnswered, FactSeen: "refused"}, []Glimpse{in}, WhitelistMissing},
		{"a conclusion stands where nobody else tells", TargetDown, map[string]string{FactControl: ControlAnswered, FactSeen: "refused"}, []Glimpse{blind}, TargetDown},
		{"a conclusion is taken back", TargetDown, map[string]string{FactControl: ControlAnswered, FactSeen: "refused"}, []Glimpse{other}, Refused},
		{"let in", OK, answered, []Glimpse{away}, OK},
	}
	for _, c := range cases {
		if got := Elsewhere(c.code, c.facts, c.others); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

// A conclusion proves a deny exactly when what was seen does: phases move, and stored answers are judged anew.
func TestAConclusionProvesWhatWasSeen(t *testing.T) {
	t.Parallel()
	for _, i := range Codes() {
		facts := map[string]string{FactControl: ControlAnswered, FactHTTPStatus: "403"}
		want := Judge(Fail, i.Code, facts, Deny)
		facts[FactSeen] = string(i.Code)
		for _, c := range []Code{WhitelistMissing, TargetDown} {
			if i.Code == WhitelistMissing || i.Code == TargetDown {
				continue
			}
			if got := Judge(Fail, c, facts, Deny); got != want {
				t.Errorf("%s, seen as %s: judged %s, want %s", c, i.Code, got, want)
			}
			if got := ProvesDeny(c, facts); got != ProvesDeny(i.Code, facts) {
				t.Errorf("%s, seen as %s: proves a deny: %v", c, i.Code, got)
			}
		}
	}
	if ProvesDeny(WhitelistMissing, map[string]string{FactControl: ControlAnswered}) {
		t.Error("a conclusion without what was seen proves a deny")
	}
}
