// Package people knows who there is and who sits in which seat when: contacts, and the roster of shifts.
//
// It answers "who is on shift", "who is next", "when is nobody there" and "which person is this login". It knows no plan:
// seats are names given to it, deputies are named by the caller. It knows no clock: the time is an argument.
//
// What it holds is personal and stays erasable: names, logins, phones and mail addresses are never hashed and never
// written to a journal; everything else in skift names a person by id alone, and a [Person] prints as its id. Values are
// immutable after reading and safe for concurrent use.
package people
