// Package outbox sends what was decided to be told: queued → sending → sent, or back to queued, or failed, or uncertain.
//
// A message is in the store before this package knows of it. Each attempt is stored as begun before a byte leaves, and
// what came of it afterwards; so a message found begun when the loop starts was cut off by a crash, may have been sent,
// and becomes uncertain. An uncertain message is never sent again by itself: at most once, until a person says
// otherwise ([Outbox.Settle]).
//
// The loop sends one message at a time, in the order they are due, not faster than its rate. A server that cannot be
// used holds the whole queue back, longer each time; a message that is not taken holds back only itself. Nothing waits
// for the outbox: an unsent message is visible with its attempts and last error.
//
// The package knows no SMTP and no database: both are ports. Run is for one goroutine; Wake and Settle may be called
// from any.
package outbox
