package checks

import (
	"slices"
	"sync"
)

// Code names what was seen. Codes separate "the target says no", "the path says no", "we could not look" and "ours is broken".
type Code string

// Class says who a code speaks about.
type Class string

// The classes.
const (
	ClassOK     Class = "ok"
	ClassTarget Class = "target" // the target says no
	ClassPath   Class = "path"   // the way to it says no
	ClassBlind  Class = "blind"  // we could not look
	ClassOurs   Class = "ours"   // our configuration, credential or vantage is broken
)

// CodeInfo is what holds for a code wherever it is seen.
type CodeInfo struct {
	Code    Code
	Class   Class
	Verdict Verdict // unless a kind says milder
	Denies  bool    // with an answering control it proves that the asker is kept out
}

// Codes lists every code, in the order of the documentation.
func Codes() []CodeInfo {
	return slices.Concat(wayCodes, tlsCodes, clientCodes, certCodes, statusCodes, sshCodes, listCodes, ownCodes)
}

// byCode finds what holds for a code: sweeps ask for it thousands of times.
var byCode = sync.OnceValue(func() map[Code]CodeInfo {
	m := map[Code]CodeInfo{}
	for _, i := range Codes() {
		m[i.Code] = i
	}
	return m
})

// Info is what holds for the code. A code nobody defined is read as Unobserved would be: it proves nothing.
func (c Code) Info() CodeInfo {
	if i, ok := byCode()[c]; ok {
		return i
	}
	return CodeInfo{Code: c, Class: ClassBlind, Verdict: Unverified}
}
