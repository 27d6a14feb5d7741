package plan

import "skift/internal/diag"

// Problems of dates.
const (
	CodeBadDate      diag.Code = "bad-date"
	CodeTimeMissing  diag.Code = "missing-local-time"
	CodeTimeTwice    diag.Code = "ambiguous-local-time"
	CodeFoldUnneeded diag.Code = "fold-not-needed"
	CodeUnknownPoint diag.Code = "unknown-point"
	CodeBadOffset    diag.Code = "bad-offset"
	CodeTooVague     diag.Code = "date-too-vague"
	CodeBackwards    diag.Code = "ends-before-it-begins"
	CodeDateCycle    diag.Code = "cycle-in-dates"
)

// Problems of names.
const (
	CodeUnknownName  diag.Code = "unknown-name"
	CodeNameTaken    diag.Code = "name-taken"
	CodeListedTwice  diag.Code = "listed-twice"
	CodeBadSeat      diag.Code = "bad-seat"
	CodeBadPattern   diag.Code = "bad-pattern"
	CodeNoMatch      diag.Code = "pattern-matches-nothing"
	CodeNotAGroup    diag.Code = "party-without-members"
	CodeNotAWindow   diag.Code = "not-a-window"
	CodeRoleNotOne   diag.Code = "role-of-several-parties"
	CodeStandardUses diag.Code = "standard-runbook-needs"
)

// Problems of waves and meetings.
const (
	CodeNoWave       diag.Code = "member-without-wave"
	CodeEmptyWave    diag.Code = "wave-without-members"
	CodeNoWaveColumn diag.Code = "column-not-in-waves"
	CodeHalfDated    diag.Code = "wave-half-dated"
	CodeLeftOut      diag.Code = "milestone-left-out"
	CodeNamelessDate diag.Code = "meeting-without-name"
)

// Problems of files.
const (
	CodeNoPlan        diag.Code = "no-plan"
	CodeBadFilePath   diag.Code = "bad-file-path"
	CodeNoFile        diag.Code = "no-such-file"
	CodeUnreadable    diag.Code = "unreadable-file"
	CodeNoCertificate diag.Code = "no-certificate"
	CodeSecretInFile  diag.Code = "secret-in-file"
	CodeRunbookName   diag.Code = "runbook-file-name"
)

// Problems of single values.
const (
	CodeBadTimezone   diag.Code = "bad-timezone"
	CodeBadNetwork    diag.Code = "bad-network"
	CodeBadAddress    diag.Code = "bad-address"
	CodeBadHostName   diag.Code = "bad-host-name"
	CodeForeignAddr   diag.Code = "address-outside-platform"
	CodeNoPlatform    diag.Code = "no-such-platform"
	CodeProduction    diag.Code = "production-not-one"
	CodeDirection     diag.Code = "bad-direction"
	CodeSameSource    diag.Code = "source-twice"
	CodeSourceRule    diag.Code = "source-against-rule"
	CodeNoFlows       diag.Code = "no-flows"
	CodeNoColumn      diag.Code = "column-not-in-flows"
	CodeEmptyColumn   diag.Code = "flow-without-value"
	CodeTooOften      diag.Code = "too-often"
	CodeBadCron       diag.Code = "bad-cron"
	CodeNeverFires    diag.Code = "cron-never-fires"
	CodeLongJitter    diag.Code = "long-jitter"
	CodeUselessKey    diag.Code = "useless-key"
	CodeBadShare      diag.Code = "bad-share"
	CodeNoLimit       diag.Code = "no-limit"
	CodeUnknownKeyOf  diag.Code = "unknown-catalogue-word"
	CodeThresholds    diag.Code = "thresholds-reversed"
	CodeUndoesNothing diag.Code = "undoes-outside-back-out"
	CodeRunbookCycle  diag.Code = "cycle-of-runbooks"
	CodeGateCycle     diag.Code = "cycle-through-gates"

	CodeParameterMissing diag.Code = "parameter-missing"
	CodeUndoneTooEarly   diag.Code = "undone-too-early"
)
