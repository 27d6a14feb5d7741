package people

import (
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"skift/internal/csvdoc"
	"skift/internal/diag"
	"skift/internal/words"
)

// Person is one row of the contacts. Only ID is fit for journals, logs and exports; it is what a Person prints as.
type Person struct {
	ID       string // opaque and lasting
	Name     string
	Login    string     // of the operating system or the sign-on; "" = does not log in
	Phone    string     // printable; "" = none
	Mail     string     // one address that ValidMail accepts; "" = none
	Language words.Lang // "" = that of the plan
	Pos      diag.Pos
}

// String is the id, so that a person printed by accident names nobody.
func (p Person) String() string { return p.ID }

// GoString is the id as well: %#v must not tell more than %v.
func (p Person) GoString() string { return fmt.Sprintf("people.Person(%q)", p.ID) }

// LogValue is the id.
func (p Person) LogValue() slog.Value { return slog.StringValue(p.ID) }

// Contacts are the people of a plan. The zero value knows nobody.
type Contacts struct {
	people  []Person
	byID    map[string]int
	byLogin map[string]int
}

// ReadContacts reads contacts.csv: person,name and optionally login,phone,mail,language. Rows with a problem are
// reported and left out as far as they cannot be used; the rest is read.
func ReadContacts(file string, src []byte, problems *diag.List) Contacts {
	c := Contacts{byID: map[string]int{}, byLogin: map[string]int{}}
	t, ok := csvdoc.Parse(file, src, csvdoc.Columns{
		Required: []string{"person", "name"},
		Optional: []string{"login", "phone", "mail", "language"},
	}, problems)
	if !ok {
		return c
	}
	t.Each(func(r csvdoc.Row) { c.read(r) })
	return c
}

func (c *Contacts) read(r csvdoc.Row) {
	p := Person{ID: r.Str("person"), Name: r.Str("name"), Pos: r.Pos("person")}
	if p.ID == "" {
		return
	}
	if !personGrammar.MatchString(p.ID) {
		r.Problemf("person", CodeBadPerson, "%q is no person id", p.ID).
			Hintf("an id is up to 63 of a–z, 0–9 and -, beginning with a letter or digit; æ, ø and å are written ae, oe and aa")
		return
	}
	if civilNumber.MatchString(p.ID) {
		r.Problemf("person", CodeBadPerson, "%q looks like a civil registration number", p.ID).
			Hintf("ids are written into a journal that cannot be changed; use one that says nothing about the person")
		return
	}
	if first, ok := c.byID[p.ID]; ok {
		r.Problemf("person", CodeDuplicatePerson, "person %q is there twice", p.ID).See(c.people[first].Pos, "%q is first here", p.ID)
		return
	}
	p.Login = c.login(r)
	p.Phone = phone(r)
	p.Mail = mail(r)
	p.Language = language(r)
	if p.Login != "" {
		c.byLogin[p.Login] = len(c.people)
	}
	c.byID[p.ID] = len(c.people)
	c.people = append(c.people, p)
}

var (
	personGrammar = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	civilNumber   = regexp.MustCompile(`\b(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d{2}-?\d{4}\b`)
	loginGrammar  = regexp.MustCompile(`^[A-Za-z0-9._@\\-][A-Za-z0-9._@$\\-]{0,254}$`)
	fallbackLogin = regexp.MustCompile(`^uid-[0-9]+$`)
)

func (c *Contacts) login(r csvdoc.Row) string {
	login := r.OptStr("login", "")
	if login == "" {
		return ""
	}
	if !loginGrammar.MatchString(login) || fallbackLogin.MatchString(login) {
		r.Problemf("login", CodeBadLogin, "%q is no login", login).
			Hintf("write the name the person logs in with, without spaces; names such as uid-1000 stand for logins nobody has")
		return ""
	}
	if first, ok := c.byLogin[login]; ok {
		r.Problemf("login", CodeDuplicateLogin, "login %q belongs to two people", login).
			See(c.people[first].Pos, "it is first here; whoever enters something must be one person")
		return ""
	}
	return login
}

func phone(r csvdoc.Row) string {
	phone := r.OptStr("phone", "")
	digits := 0
	for _, c := range phone {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	switch {
	case phone == "":
		return ""
	case len(phone) > 40 || digits < 3 || strings.ContainsFunc(phone, func(c rune) bool { return c < ' ' || c > '~' }):
		r.Problemf("phone", CodeBadPhone, "%q is no phone number", phone).Hintf("write it as it is dialled, such as +45 00 00 00 00")
		return ""
	}
	return phone
}

func mail(r csvdoc.Row) string {
	address := r.OptStr("mail", "")
	if address == "" {
		return ""
	}
	if err := ValidMail(address); err != nil {
		r.Problemf("mail", CodeBadMail, "%q: %v", address, err).Hintf("write one address alone, such as operator@supplier.example")
		return ""
	}
	return address
}

func language(r csvdoc.Row) words.Lang {
	text := r.OptStr("language", "")
	if text == "" {
		return ""
	}
	lang, ok := words.ParseLang(text)
	if !ok {
		r.Problemf("language", CodeBadLanguage, "%q is not a language skift writes in", text).Hintf("write da or en, or leave it empty for the plan's")
		return ""
	}
	return lang
}

// Person finds a person by id.
func (c Contacts) Person(id string) (Person, bool) {
	i, ok := c.byID[id]
	if !ok {
		return Person{}, false
	}
	return c.people[i], true
}

// ByLogin finds the person who logs in so.
func (c Contacts) ByLogin(login string) (Person, bool) {
	i, ok := c.byLogin[login]
	if !ok || login == "" {
		return Person{}, false
	}
	return c.people[i], true
}

// IDOf is the person id of an authenticated user: that of the contact with this login, else "uid-1000", which names an
// account of this host and nobody in the contacts. login may be "" when the host knows no name for the user id.
func (c Contacts) IDOf(login string, uid int) string {
	if p, ok := c.ByLogin(login); ok {
		return p.ID
	}
	return fmt.Sprintf("uid-%d", uid)
}

// All lists the people in the order of the file.
func (c Contacts) All() []Person { return slices.Clone(c.people) }

// IDs lists the ids in the order of the file.
func (c Contacts) IDs() []string {
	ids := make([]string, len(c.people))
	for i, p := range c.people {
		ids[i] = p.ID
	}
	return ids
}
