package report

import (
	"bytes"
	"fmt"
	"html/template"

	"skift/internal/term"
)

// colours of the states on white: each has at least 4.5:1 against it, so white on the colour has too.
var colours = map[term.State]template.CSS{
	term.Plain: "#24292F", term.OK: "#1A7F37", term.Risk: "#8A5A00", term.Fail: "#B3261E", term.Running: "#005A9C",
	term.Unknown: "#57606A", term.Gate: "#6F42C1",
}

// html draws the document for mail clients, the Word engine among them: tables for the layout, widths as attributes, inline
// styles, nothing to load.
func (d document) html() (string, error) {
	var b bytes.Buffer
	if err := mail.Execute(&b, d.view()); err != nil {
		return "", fmt.Errorf("draw the report: %w", err)
	}
	return b.String(), nil
}

// Fill is the badge's colour as an attribute, for clients that read no styles.
func (g badge) Fill() string { return string(colours[g.State]) }

// view is the document with its blocks told apart, as the template needs them.
type view struct {
	document
	Sections [][]part // each begins with its heading
}

// part is exactly one block.
type part struct {
	Heading string
	Para    *para
	Table   *table
}

func (d document) view() view {
	v := view{document: d}
	for _, b := range d.Blocks {
		var p part
		switch b := b.(type) {
		case heading:
			if b == "" {
				continue // a name of which nothing printable is left
			}
			p.Heading = upper(string(b))
		case para:
			p.Para = &b
		case table:
			p.Table = &b
		}
		if p.Heading != "" || len(v.Sections) == 0 {
			v.Sections = append(v.Sections, nil)
		}
		last := len(v.Sections) - 1
		v.Sections[last] = append(v.Sections[last], p)
	}
	return v
}

var mail = template.Must(template.New("mail").Funcs(template.FuncMap{
	"upper":  upper,
	"colour": func(s term.State) template.CSS { return colours[s] },
}).Parse(mailTemplate))

// mailTemplate draws every section as a table of its own: the Word engine breaks pages inside long ones.
const mailTemplate = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Subject}}</title></head>
<body style="margin:0;padding:12px 4px;background:#F3F4F6">
{{template "open"}}<tr><td style="padding:16px 20px 12px;background:#0D3B66;color:#FFFFFF"><p style="margin:0;font-size:13px;line-height:18px">{{.Title}}</p><h1 style="margin:0;font-size:19px;line-height:26px">{{.Plan}}</h1></td></tr></table>
{{- range .Sections}}
{{template "open"}}{{range .}}
<tr>{{if .Heading}}<td style="padding:18px 20px 4px"><h2 style="margin:0;font-size:16px;line-height:22px;color:#0D3B66">{{.Heading}}</h2></td>
{{- else if .Para}}{{template "para" .Para}}
{{- else}}{{template "table" .Table}}{{end}}</tr>{{end}}
</table>
{{- end}}
</body></html>
{{define "open"}}<table role="presentation" align="center" width="640" cellpadding="0" cellspacing="0" border="0" style="width:640px;max-width:100%;background:#FFFFFF;font-family:Segoe UI,Arial,sans-serif;font-size:14px;line-height:20px;color:#24292F">{{end}}
{{define "para"}}{{if .Loud}}<td style="padding:6px 20px"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td bgcolor="{{.Badge.Fill}}" style="padding:10px 14px;background:{{colour .Badge.State}};color:#FFFFFF;font-size:18px;line-height:24px;font-weight:bold">{{.Badge.State.Shape}}&nbsp;{{.Badge.Word}}{{with .Text}}: {{.}}{{end}}</td></tr></table></td>
{{- else}}<td style="padding:4px 20px"><p style="margin:0{{if .Quiet}};font-size:12px;line-height:17px;color:#57606A;word-break:break-word{{end}}">{{with .Badge}}{{template "badge" .}}{{end}}{{if and .Badge .Text}}: {{end}}{{if .Link}}<a href="{{.Link}}" style="color:#005A9C">{{.Text}}</a>{{else}}{{.Text}}{{end}}</p></td>
{{- end}}{{end}}
{{define "table"}}<td style="padding:4px 20px"><table width="100%" cellpadding="4" cellspacing="0" border="0" style="border-collapse:collapse;font-size:13px;line-height:18px">
<tr>{{range .Cols}}{{if .}}<th scope="col" align="left" style="border-bottom:2px solid #8C959F">{{upper .}}</th>{{else}}<td style="border-bottom:2px solid #8C959F"></td>{{end}}{{end}}</tr>
{{range .Rows}}<tr>{{range $i, $c := .}}{{if $i}}<td valign="top" style="border-bottom:1px solid #D0D7DE">{{template "cell" $c}}</td>{{else}}<th scope="row" align="left" valign="top" style="border-bottom:1px solid #D0D7DE;font-weight:normal">{{template "cell" $c}}</th>{{end}}{{end}}</tr>
{{end}}</table>{{with .More}}<p style="margin:4px 0 0;font-size:13px">{{.}}</p>{{end}}</td>{{end}}
{{define "cell"}}{{with .Badge}}{{template "badge" .}}{{end}}{{if and .Badge .Text}}: {{end}}{{.Text}}{{end}}
{{define "badge"}}{{if .State.Shape}}<span style="color:{{colour .State}};font-weight:bold">{{.State.Shape}}&nbsp;{{.Word}}</span>{{else}}{{.Word}}{{end}}{{end}}`
