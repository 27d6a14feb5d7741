package demo

// Two small programs that the cut-over's runbook calls. They need a POSIX shell and nothing else.

// compareScript reads two lists beside each other. It is told what to find, so that the comparison itself can be tried on a
// copy with a changed byte: one that finds nothing there proves nothing about the real one.
const compareScript = `#!/bin/sh
# compare-lists same|differs OLD NEW: compares two lists of name, size and SHA-256 below lists/ENVIRONMENT.
# Ends with 0 when it found what it was told to find.
set -eu
want=$1 dir=lists/$SKIFT_ENVIRONMENT old=$2 new=$3
lines=0 found=same
exec 3< "$dir/$old" 4< "$dir/$new"
while IFS= read -r a <&3; do
	lines=$((lines + 1))
	IFS= read -r b <&4 || b="(no such line)"
	[ "$a" = "$b" ] && continue
	found=differs
	echo "$old has $a"
	echo "$new has $b"
done
while IFS= read -r b <&4; do
	found=differs
	echo "only $new has $b"
done
[ "$lines" -gt 1 ] || { echo "$old lists no files" >&2; exit 2; }
[ "$found" = same ] && echo "$((lines - 1)) files, every name, size and SHA-256 equal"
[ "$found" = "$want" ]
`

// switchScript moves the names of the services that this run moves by writing their zone files, and waits until the name service serves them.
const switchScript = `#!/bin/sh
# switch-name old|new: lets the names of the services in SKIFT_SERVICES, in this environment, lead to one side.
set -eu
to=$1
services=$(echo "${SKIFT_SERVICES:-}" | tr , ' ')
[ -n "$services" ] || { echo "no name is to be moved"; exit 0; }
for service in $services; do
	zone=names/$SKIFT_ENVIRONMENT-$service
	echo "$to" > "$zone.new"
	mv "$zone.new" "$zone"
done
for service in $services; do
	zone=names/$SKIFT_ENVIRONMENT-$service
	tries=0
	until read -r served < "$zone.served" && [ "$served" = "$to" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 100 ] || { echo "the name service does not serve $zone; it ends with the demo" >&2; exit 1; }
		sleep 0.1
	done
done
echo "the name leads to the $to platform: $services"
`

// The files of a demo's plan directory, from there on.
const (
	toolCompare  = "tools/compare-lists"
	toolSwitch   = "tools/switch-name"
	listsDir     = "lists"
	namesDir     = "names"
	passwordFile = "keys/smtp-password"
	rootFile     = "pki/demo-root.pem"
)

// The lists that suppliers hand over for an environment, in its folder below listsDir; those of a side as the plan's checks name them.
const (
	listAgreements  = "agreements-"
	listData        = "data-"
	listChangedCopy = "data-changed-copy.csv"
)
