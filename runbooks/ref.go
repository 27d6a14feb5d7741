package runbooks

import "skift/internal/diag"

// RefKind says what a name in a runbook is a name of.
type RefKind string

// What a runbook can name without knowing it.
const (
	SeatRef      RefKind = "seat"
	GateRef      RefKind = "gate"
	ServiceRef   RefKind = "service" // or a glob of services
	CheckRef     RefKind = "check"   // or a glob of checks
	SuiteRef     RefKind = "suite"
	VerifyRef    RefKind = "check or suite" // under verify: a check, a glob of checks or a suite
	AudienceRef  RefKind = "audience"
	ReportRef    RefKind = "report"
	AreaRef      RefKind = "area"
	ClassRef     RefKind = "change class"
	MilestoneRef RefKind = "milestone"
	RunbookRef   RefKind = "runbook"
	UndoneRef    RefKind = "step" // of a runbook this one backs out
	FileRef      RefKind = "file" // in the plan directory
	MomentRef    RefKind = "time" // a time expression of the plan
)

// Ref is one name in a runbook that only whoever holds a plan can resolve, with the place where it stands.
type Ref struct {
	Kind RefKind
	Step string // id of the step that holds it; "" for the runbook's own keys
	diag.Word
}
