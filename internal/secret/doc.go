// Package secret keeps passwords and keys out of everything that is written
// down.
//
// A plan names a secret by a [Ref] (env:NAME, file:PATH, cred:NAME); a
// [Resolver] fetches its [Value] at the moment it is used. A Value cannot be
// printed, logged or marshalled: every road but Reveal gives "***". A [Masker]
// removes the values it was told of from text and streams, also in the
// encodings in which programs like to print them.
//
// [MaskCivil] removes civil registration numbers from free text.
//
// Ref and Value are values; Resolver and Masker may be used by many goroutines
// at once.
package secret
