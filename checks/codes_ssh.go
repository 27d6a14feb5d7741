package checks

// The outcome codes about SSH and SFTP. Their sentences in Danish and English are in internal/words, under the same string.
const (
	HostkeyUnknown   Code = "hostkey_unknown" // nothing pinned to compare with
	HostkeyChanged   Code = "hostkey_changed" // not one of the pinned keys
	SSHNoOverlap     Code = "ssh_no_overlap"
	AuthFailed       Code = "auth_failed"
	AuthMethod       Code = "auth_method"
	AuthDisconnect   Code = "auth_disconnect"
	SubsystemRefused Code = "subsystem_refused"
	SFTPGarbage      Code = "sftp_garbage"
	SFTPSilent       Code = "sftp_silent"
	PathMissing      Code = "path_missing"
	PathDenied       Code = "path_denied"
	OpFailed         Code = "op_failed"
	Quota            Code = "quota"
	PathVisible      Code = "path_visible"    // what another account has can be seen
	PathMode         Code = "path_mode"       // the permissions are not those agreed
	ContentDiffers   Code = "content_differs" // what is read back is not what was written
	OpLeftover       Code = "op_leftover"     // a file of ours could not be removed; its name is the fact "leftover"
	ClientExcluded   Code = "client_excluded" // a client that matters has no algorithm in common with the server
	SSHWeak          Code = "ssh_weak"        // algorithms that are broken or about to be refused are still offered
)

// sshCodes say what holds for them, in the order of the documentation.
var sshCodes = []CodeInfo{
	{HostkeyUnknown, ClassOurs, Error, false},
	{HostkeyChanged, ClassTarget, Fail, false},
	{SSHNoOverlap, ClassTarget, Fail, false},
	{AuthFailed, ClassTarget, Fail, false},
	{AuthMethod, ClassTarget, Fail, false},
	{AuthDisconnect, ClassTarget, Fail, false},
	{SubsystemRefused, ClassTarget, Fail, false},
	{SFTPGarbage, ClassTarget, Fail, false},
	{SFTPSilent, ClassTarget, Fail, false},
	{PathMissing, ClassTarget, Fail, false},
	{PathDenied, ClassTarget, Fail, false},
	{OpFailed, ClassTarget, Fail, false},
	{Quota, ClassTarget, Fail, false},
	{PathVisible, ClassTarget, Fail, false},
	{PathMode, ClassTarget, Fail, false},
	{ContentDiffers, ClassTarget, Fail, false},
	{OpLeftover, ClassTarget, Fail, false},
	{ClientExcluded, ClassTarget, Fail, false},
	{SSHWeak, ClassTarget, Fail, false},
}
