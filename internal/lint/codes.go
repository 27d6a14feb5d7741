package lint

import "skift/internal/diag"

// What makes a plan unusable, although it can be read.
const (
	CodeGateClosed    diag.Code = "gate-closes-before-opening"
	CodeSuiteStale    diag.Code = "suite-cannot-be-fresh"
	CodeOwnExit       diag.Code = "gate-waits-for-itself"
	CodeTooLate       diag.Code = "milestone-after-gate"
	CodeOnlySimulated diag.Code = "rehearsal-only-simulated"
	CodeUnstaffed     diag.Code = "seat-unstaffed"
	CodeEndsInZone    diag.Code = "certificate-ends-in-zone"
	CodeNeverBegins   diag.Code = "step-never-begins"
	CodeNotAllowed    diag.Code = "change-not-allowed" // a warning where only part of the stretch is frozen
	CodeStepNoClass   diag.Code = "step-without-class" // as well
)

// What an author should know; the plan can be used.
const (
	CodeEndsLate    diag.Code = "milestone-ends-after-gate"
	CodeUndated     diag.Code = "gate-waits-for-undated"
	CodeNeverAsked  diag.Code = "gate-never-asked"
	CodeSeatGap     diag.Code = "seat-gap"
	CodeNoRoster    diag.Code = "no-roster"
	CodeTwoSeats    diag.Code = "one-person-two-seats"
	CodeNoClass     diag.Code = "release-without-class"
	CodeUnreachable diag.Code = "audience-unreachable"
	CodeNoConsent   diag.Code = "consent-missing"
	CodeEmptyWindow diag.Code = "window-without-runbook"
	CodeBesideGate  diag.Code = "window-beside-gate"
	CodeSharedCert  diag.Code = "certificate-of-two-systems"
)
