package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Fault names one way in which a platform can be broken.
type Fault string

// The faults. Faults says what each does and to which doors it applies.
const (
	FaultAllowList           Fault = "allow-list"
	FaultHostKey             Fault = "host-key"
	FaultExpiry              Fault = "expiry"
	FaultExpired             Fault = "expired"
	FaultNotYet              Fault = "not-yet"
	FaultIntermediateExpiry  Fault = "intermediate-expiry"
	FaultWrongName           Fault = "wrong-name"
	FaultMissingIntermediate Fault = "missing-intermediate"
	FaultUntrusted           Fault = "untrusted"
	FaultClients             Fault = "clients"
	FaultOtherClients        Fault = "other-clients"
	FaultRefused             Fault = "refused"
	FaultClosed              Fault = "closed"
	FaultReset               Fault = "reset"
	FaultSilent              Fault = "silent"
	FaultGarbage             Fault = "banner-garbage"
	FaultForbidden           Fault = "forbidden"
	FaultUnavailable         Fault = "unavailable"
	FaultUserKey             Fault = "user-key"
	FaultNoSubsystem         Fault = "no-subsystem"
	FaultSilentSubsystem     Fault = "silent-subsystem"
	FaultGarbageSubsystem    Fault = "garbage-subsystem"
	FaultMissingPath         Fault = "missing-path"
	FaultDeniedPath          Fault = "denied-path"
	FaultFull                Fault = "full"
	FaultChangedByte         Fault = "changed-byte"
)

// Door names a way into a platform.
type Door string

// The doors of a platform.
const (
	DoorGateway Door = "gateway"
	DoorSFTP    Door = "sftp"
)

// FaultInfo describes a fault to who chooses one.
type FaultInfo struct {
	Name   Fault
	Doors  []Door // the doors it can be set on
	Effect string // what a peer of the platform meets
}

// Faults lists every fault in the order of the constants.
func Faults() []FaultInfo {
	both, gateway, files := bothDoors(), []Door{DoorGateway}, []Door{DoorSFTP}
	return []FaultInfo{
		{FaultAllowList, both, "one flow's source address is missing on the allow-list"},
		{FaultHostKey, files, "the SFTP server presents another host key than the announced one"},
		{FaultExpiry, gateway, "the certificate ends at the time set as ExpiresAt"},
		{FaultExpired, gateway, "the certificate ended an hour ago"},
		{FaultNotYet, gateway, "the certificate begins tomorrow"},
		{FaultIntermediateExpiry, gateway, "the issuing certificate ends at ExpiresAt, the leaf later"},
		{FaultWrongName, gateway, "the certificate is for another name"},
		{FaultMissingIntermediate, gateway, "the leaf is served without its issuing certificate"},
		{FaultUntrusted, gateway, "the certificate is issued under an unknown root"},
		{FaultClients, gateway, "callers must present a client certificate of the platforms' authority"},
		{FaultOtherClients, gateway, "callers must present a client certificate of an unknown authority"},
		{FaultRefused, both, "nothing listens: connections are refused"},
		{FaultClosed, both, "connections are closed before any byte"},
		{FaultReset, both, "connections are reset before any byte"},
		{FaultSilent, both, "connections are accepted and never answered"},
		{FaultGarbage, both, "connections are told a line of another protocol and closed"},
		{FaultForbidden, gateway, "every request is answered 403"},
		{FaultUnavailable, gateway, "every request is answered 503"},
		{FaultUserKey, files, "no user key is accepted"},
		{FaultNoSubsystem, files, "log-in works, the sftp subsystem is refused"},
		{FaultSilentSubsystem, files, "the sftp subsystem starts and never answers"},
		{FaultGarbageSubsystem, files, "the sftp subsystem prints a shell's greeting"},
		{FaultMissingPath, files, "every path but the root is missing"},
		{FaultDeniedPath, files, "every path but the root is denied"},
		{FaultFull, files, "writing fails after the file is opened"},
		{FaultChangedByte, files, "of the files copied by the suppliers one arrives with a changed byte"},
	}
}

// resolve checks the name and the doors; no doors means all the fault applies to.
func resolve(f Fault, doors []Door) ([]Door, error) {
	all := Faults()
	i := slices.IndexFunc(all, func(info FaultInfo) bool { return info.Name == f })
	if i < 0 {
		return nil, fmt.Errorf("set fault: unknown fault %q", f)
	}
	if len(doors) == 0 {
		return all[i].Doors, nil
	}
	for _, d := range doors {
		if !slices.Contains(all[i].Doors, d) {
			return nil, fmt.Errorf("set fault: %s does not apply to the door %q", f, d)
		}
	}
	return doors, nil
}

// faultSet holds which faults are active on which doors.
type faultSet map[Fault]map[Door]bool

func (s faultSet) on(f Fault, d Door) bool { return s[f][d] }

func (s faultSet) set(f Fault, doors []Door) {
	if s[f] == nil {
		s[f] = make(map[Door]bool)
	}
	for _, d := range doors {
		s[f][d] = true
	}
}

func (s faultSet) unset(f Fault, doors []Door) {
	for _, d := range doors {
		delete(s[f], d)
	}
	if len(s[f]) == 0 {
		delete(s, f)
	}
}

func (s faultSet) names() []Fault { return slices.Sorted(maps.Keys(s)) }

// leaf applies the certificate faults to what the gateway would present.
func (s faultSet) leaf(sound Leaf, expiresAt time.Time) Leaf {
	now, broken := time.Now(), sound
	if s.on(FaultExpiry, DoorGateway) {
		broken.NotAfter = expiresAt
	}
	if s.on(FaultExpired, DoorGateway) {
		broken.NotAfter = now.Add(-time.Hour)
	}
	if s.on(FaultNotYet, DoorGateway) {
		broken.NotBefore = now.Add(24 * time.Hour)
		broken.NotAfter = time.Time{}
	}
	if s.on(FaultIntermediateExpiry, DoorGateway) {
		broken.IntermediateUntil = expiresAt
	}
	if s.on(FaultWrongName, DoorGateway) {
		broken.Names = []string{"other." + sound.Names[0]}
	}
	broken.OmitIntermediate = s.on(FaultMissingIntermediate, DoorGateway)
	broken.OtherIssuer = s.on(FaultUntrusted, DoorGateway)
	return broken
}
