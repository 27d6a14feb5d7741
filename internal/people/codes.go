package people

import "skift/internal/diag"

// Problems of contacts.
const (
	CodeBadPerson       diag.Code = "bad-person"
	CodeDuplicatePerson diag.Code = "duplicate-person"
	CodeBadLogin        diag.Code = "bad-login"
	CodeDuplicateLogin  diag.Code = "duplicate-login"
	CodeBadPhone        diag.Code = "bad-phone"
	CodeBadMail         diag.Code = "bad-mail"
	CodeBadLanguage     diag.Code = "bad-language"
)

// Problems of the roster.
const (
	CodeUnknownSeat    diag.Code = "unknown-seat"
	CodeUnknownPerson  diag.Code = "unknown-person"
	CodeBadTime        diag.Code = "bad-time"
	CodeMissingTime    diag.Code = "missing-local-time"
	CodeAmbiguousTime  diag.Code = "ambiguous-local-time"
	CodeShiftOrder     diag.Code = "shift-ends-before-it-begins"
	CodeDuplicateShift diag.Code = "duplicate-shift"
	CodeSharedSeat     diag.Code = "shared-seat" // warning: two people in one seat at once
)
