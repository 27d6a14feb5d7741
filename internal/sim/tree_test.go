package sim

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"

	"skift/internal/need"
)

// treeScript is what TestTreeLikeOpenSSH asks of both servers, in order, below
// a directory that holds the file "a" with "aaa". Each line is a status code,
// or what was read.
func treeScript(f *sftp.Client, root string) []string {
	at := func(name string) string { return root + "/" + name }
	var out []string
	say := func(what string, err error) {
		text := fmt.Sprint(statusCode(err))
		if err == io.EOF {
			text = "eof"
		}
		out = append(out, what+": "+text)
	}
	open := func(name string, flags int) {
		file, err := f.OpenFile(at(name), flags)
		say(fmt.Sprintf("open %s %#x", name, flags), err)
		if err == nil {
			if flags&(os.O_WRONLY|os.O_RDWR) != 0 {
				_, err = file.Write([]byte("new"))
				say("write "+name, err)
			}
			say("close "+name, file.Close())
		}
	}
	read := func(name string) {
		file, err := f.Open(at(name))
		if err != nil {
			say("read "+name, err)
			return
		}
		defer file.Close()
		data, err := io.ReadAll(file)
		out = append(out, fmt.Sprintf("read %s: %q %v", name, data, err))
	}
	list := func(name string) {
		infos, err := f.ReadDir(at(name))
		if err != nil {
			say("list "+name, err)
			return
		}
		var names []string
		for _, i := range infos {
			names = append(names, fmt.Sprintf("%s %s %d", i.Name(), i.Mode().Type(), size(i)))
		}
		slices.Sort(names)
		out = append(out, "list "+name+": "+strings.Join(names, ", "))
	}
	stat := func(name string) {
		info, err := f.Stat(at(name))
		if err != nil {
			say("stat "+name, err)
			return
		}
		out = append(out, fmt.Sprintf("stat %s: %s %d", name, info.Mode(), size(info)))
	}

	stat("a")
	stat("none")
	stat("a/b")
	open("none", os.O_RDONLY)
	open("none", os.O_WRONLY)
	open("a", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	read("a")
	open("x", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	open("none/x", os.O_WRONLY|os.O_CREATE)
	open("a/x", os.O_WRONLY|os.O_CREATE)
	open("", os.O_WRONLY)
	open("a", os.O_WRONLY)
	open("a", os.O_WRONLY|os.O_APPEND)
	read("a")
	open("a", os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	read("a")
	say("truncate a", f.Truncate(at("a"), 5))
	read("a")
	say("truncate none", f.Truncate(at("none"), 5))
	say("chmod a", f.Chmod(at("a"), 0o600))
	stat("a")
	say("mkdir d", f.Mkdir(at("d")))
	say("mkdir d again", f.Mkdir(at("d")))
	say("mkdir a", f.Mkdir(at("a")))
	say("mkdir none/d", f.Mkdir(at("none/d")))
	say("mkdir a/d", f.Mkdir(at("a/d")))
	open("d/f", os.O_WRONLY|os.O_CREATE)
	list("d")
	list("")
	list("none")
	list("a")
	say("rename a over x", f.Rename(at("a"), at("x")))
	say("rename a to itself", f.Rename(at("a"), at("a")))
	say("rename none", f.Rename(at("none"), at("y")))
	say("rename a to none/y", f.Rename(at("a"), at("none/y")))
	say("rename a to y", f.Rename(at("a"), at("y")))
	say("rename d over x", f.Rename(at("d"), at("x")))
	say("rename d into itself", f.Rename(at("d"), at("d/e")))
	say("rename d to e", f.Rename(at("d"), at("e")))
	read("e/f")
	say("posix-rename y over x", f.PosixRename(at("y"), at("x")))
	say("posix-rename x to itself", f.PosixRename(at("x"), at("x")))
	say("posix-rename x over e", f.PosixRename(at("x"), at("e")))
	say("posix-rename e over x", f.PosixRename(at("e"), at("x")))
	read("x")
	stat("y")
	say("rmdir e", f.RemoveDirectory(at("e")))
	say("rmdir x", f.RemoveDirectory(at("x")))
	say("rmdir none", f.RemoveDirectory(at("none")))
	say("remove e/f", f.Remove(at("e/f")))
	say("remove none", f.Remove(at("none")))
	say("rmdir e, now empty", f.RemoveDirectory(at("e")))
	_, err := f.RealPath(at("none"))
	say("realpath none", err)
	_, err = f.RealPath(at("none/none"))
	say("realpath none/none", err)
	list("")
	return out
}

// size leaves out that of directories, which is the disk's business.
func size(i os.FileInfo) int64 {
	if i.IsDir() {
		return 0
	}
	return i.Size()
}

// sftpServer is where distributions keep OpenSSH's sftp-server.
func sftpServer(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/sftp-server"} {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	need.Missing(t, "sshd", "OpenSSH's sftp-server is not installed")
	return ""
}

func TestTreeLikeOpenSSH(t *testing.T) {
	t.Parallel()
	server := exec.Command(sftpServer(t), "-u", "022")
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	real, err := sftp.NewClientPipe(stdout, stdin)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/a", []byte("aaa"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := treeScript(real, dir)
	real.Close()
	server.Wait()

	w := startWorld(t, Options{})
	w.Old.Files().WriteFile("dir/a", []byte("aaa"))
	got := treeScript(mustFiles(t, w, w.Old, AccountSupplier), "/dir")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-OpenSSH +simulated):\n%s", diff)
	}
	if len(want) < 60 {
		t.Errorf("only %d answers were compared", len(want))
	}
}

func TestTreeOutsideSFTP(t *testing.T) {
	t.Parallel()
	tree := NewTree()
	tree.WriteFile("/a/b/c", []byte("abc"))
	tree.WriteFile("a/d", nil)
	tree.Mkdir("a/e")
	if diff := cmp.Diff([]string{"a/b/c", "a/d"}, tree.Files("")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a/b/c"}, tree.Files("a/b")); diff != "" {
		t.Error(diff)
	}
	data, err := tree.ReadFile("a/b/c")
	if err != nil || string(data) != "abc" {
		t.Errorf("%q, %v", data, err)
	}
	if err := tree.ChangeByte("a/b/c"); err != nil {
		t.Fatal(err)
	}
	if data, _ := tree.ReadFile("a/b/c"); string(data) != "acc" {
		t.Errorf("changed to %q", data)
	}
	if err := tree.ChangeByte("a/d"); err == nil {
		t.Error("an empty file was changed")
	}
	tree.Remove("a/b")
	if _, err := tree.ReadFile("a/b/c"); !os.IsNotExist(err) {
		t.Errorf("after removal: %v", err)
	}
	if diff := cmp.Diff([]string{"a/d"}, tree.Files("")); diff != "" {
		t.Error(diff)
	}
}

// TestHandleLimits holds that no offset from the wire makes the process
// allocate without end.
func TestHandleLimits(t *testing.T) {
	t.Parallel()
	tree := NewTree()
	h, err := tree.open("/x", sftp.FileOpenFlags{Write: true, Creat: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{-1, maxFile, 1 << 62} {
		if _, err := h.WriteAt([]byte("x"), off); err == nil {
			t.Errorf("written at %d", off)
		}
	}
	if err := tree.setstat("/x", sftp.FileAttrFlags{Size: true}, &sftp.FileStat{Size: 1 << 40}); err == nil {
		t.Error("grown to 1 TiB")
	}
	if _, err := h.WriteAt([]byte("x"), 2); err != nil {
		t.Fatal(err)
	}
	if data, _ := tree.ReadFile("x"); string(data) != "\x00\x00x" {
		t.Errorf("a hole reads %q", data)
	}
}
