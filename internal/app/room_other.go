//go:build !linux && !darwin

package app

// diskFree is how many bytes we may still write where a directory is; -1 = not known.
func diskFree(string) int64 { return -1 }
