//go:build !unix

package store

import "os"

// checkFS cannot tell file systems apart here.
func checkFS(string) error { return nil }

// fileID cannot tell a file from its copies here.
func fileID(os.FileInfo) string { return "" }

// writable reports whether we may make files in a directory; making one tells.
func writable(string) error { return nil }
