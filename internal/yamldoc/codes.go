package yamldoc

import "skift/internal/diag"

// Problems of the file as a whole, beside those of [diag.ReadSource]. Each
// stands alone: reading stops there.
const (
	CodeTooDeep        diag.Code = "too-deep"
	CodeTooMany        diag.Code = "too-many-values"
	CodeSyntax         diag.Code = "yaml-syntax"
	CodeSecondDocument diag.Code = "second-document"
)

// Parts of YAML that a plan does without, because a reader of the file could
// not see what they do.
const (
	CodeAnchor       diag.Code = "yaml-anchor"
	CodeAlias        diag.Code = "yaml-alias"
	CodeMergeKey     diag.Code = "yaml-merge-key"
	CodeTag          diag.Code = "yaml-tag"
	CodeDuplicateKey diag.Code = "duplicate-key"
	CodeKeyNotText   diag.Code = "key-not-text"
)

// Problems of single keys and values.
const (
	CodeUnknownKey  diag.Code = "unknown-key"
	CodeMissingKey  diag.Code = "missing-key"
	CodeEmptyValue  diag.Code = "empty-value"
	CodeWrongKind   diag.Code = "wrong-kind"
	CodeNotOneLine  diag.Code = "not-one-line"
	CodeBadNumber   diag.Code = "bad-number"
	CodeBadBoolean  diag.Code = "bad-boolean"
	CodeBadDuration diag.Code = "bad-duration"
	CodeBadPercent  diag.Code = "bad-percent"
	CodeBadID       diag.Code = "bad-id"
	CodeUnknownWord diag.Code = "unknown-word"
	CodeChooseOne   diag.Code = "choose-one"
)
