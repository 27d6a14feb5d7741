package runbooks

import "skift/internal/diag"

// Problems of a runbook file that only its own reader can see; yamldoc raises the general ones.
const (
	CodeNoSteps        diag.Code = "no-steps"
	CodeUnknownNeed    diag.Code = "unknown-need"
	CodeTwice          diag.Code = "listed-twice"
	CodeCycle          diag.Code = "cycle-in-needs"
	CodeNoOwner        diag.Code = "step-without-owner"
	CodeNotRepeatable  diag.Code = "retry-not-repeatable"
	CodeNoRetry        diag.Code = "retries-without-retry"
	CodeBadBackoff     diag.Code = "bad-backoff"
	CodeNoTimeout      diag.Code = "timeout-without-use"
	CodeShellString    diag.Code = "command-not-a-list"
	CodeNoProgram      diag.Code = "command-empty"
	CodeBadPath        diag.Code = "bad-path"
	CodeBadEnv         diag.Code = "bad-env-name"
	CodeBadURL         diag.Code = "bad-url"
	CodeBadHeader      diag.Code = "bad-header"
	CodeBodyWithoutUse diag.Code = "body-without-use"
	CodeSecretInClear  diag.Code = "secret-in-clear"
	CodeBadSecretRef   diag.Code = "bad-secret-reference"
	CodeBadFingerprint diag.Code = "bad-fingerprint"
	CodeBadSeat        diag.Code = "bad-seat"
	CodeBadPattern     diag.Code = "bad-pattern"
	CodeBackOutItself  diag.Code = "back-out-of-itself"
	CodeNoBackOut      diag.Code = "no-back-out"

	CodeTooOften           diag.Code = "too-often"
	CodeUnknownParameter   diag.Code = "unknown-parameter"
	CodeBadParameter       diag.Code = "bad-parameter"
	CodeParameterValues    diag.Code = "values-of-another-type"
	CodeNothingInterrupted diag.Code = "idempotent-check-without-effect"
)
