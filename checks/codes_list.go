package checks

// The outcome codes about lists of files that were handed over. Their sentences in Danish and English are in internal/words, under the same string.
const (
	ListUnreadable Code = "list_unreadable" // not there, empty, or not a list: nothing was compared
	ListDiffers    Code = "list_differs"
	TriggerMissing Code = "trigger_missing" // a file without its trigger or metadata
	ReceiptMissing Code = "receipt_missing"
	FileMissing    Code = "file_missing" // a trigger or metadata without its file
)

// listCodes say what holds for them, in the order of the documentation.
var listCodes = []CodeInfo{
	{ListUnreadable, ClassBlind, Unverified, false},
	{ListDiffers, ClassTarget, Fail, false},
	{TriggerMissing, ClassTarget, Fail, false},
	{ReceiptMissing, ClassTarget, Fail, false},
	{FileMissing, ClassTarget, Fail, false},
}
