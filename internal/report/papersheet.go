package report

import "html/template"

// paper is the page for a printer. Columns have widths, so that a long word breaks instead of pushing the last ones off the sheet, and
// nothing is told by colour. Its policy lets it fetch nothing at all.
var paper = template.Must(template.New("paper").Parse(`<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{.Title}}</title>
<style>
@page { size: A4 landscape; margin: 12mm;
  @bottom-left { content: "{{.Plan.ID}} · {{.AsOf}} · {{.Hash}}"; font: 8pt sans-serif; }
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt sans-serif; } }
body { font: 10pt/1.35 sans-serif; color: #000; background: #fff; margin: 0 auto; max-width: 273mm; }
h1 { font-size: 16pt; margin: 0 0 1mm; } h2 { font-size: 12pt; margin: 6mm 0 1mm; break-after: avoid; }
p, h1, h2 { overflow-wrap: anywhere; } p { margin: 0 0 1mm; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; } thead { display: table-header-group; } tr { break-inside: avoid; }
th, td { border: 0.3mm solid #444; padding: 1mm 1.5mm; text-align: left; vertical-align: top; overflow-wrap: break-word; hyphens: manual; }
th { background: #eee; overflow-wrap: normal; } .n { text-align: right; } .tel { display: inline-block; max-width: 100%; } .do { font-size: 9pt; }
.no-return td { border-top: 1.2mm solid #000; } .lines td { height: 7mm; }
section + section { break-before: page; }
</style>
</head>
<body>
<header><h1>{{.Title}}</h1><p>{{.AsOf}} · {{.T "paper.revision"}} {{.Hash}}</p><p>{{.T "paper.head"}} {{.Head}}</p></header>
<section>
<h2>{{.T "paper.plan"}}</h2>
<table><colgroup><col style="width:66mm"><col style="width:24mm"><col style="width:52mm"><col style="width:62mm"><col style="width:26mm"><col></colgroup>
<thead><tr><th scope="col">{{.T "paper.milestone"}}</th><th scope="col">{{.T "paper.kind"}}</th><th scope="col">{{.T "paper.from"}}</th><th scope="col">{{.T "paper.until"}}</th><th scope="col">{{.T "paper.stands"}}</th><th scope="col">{{.T "paper.allowed"}}</th></tr></thead>
<tbody>{{range .Dates}}<tr><td><b>{{.Name}}</b>{{if ne .Name .ID}}<br>{{.ID}}{{end}}</td><td>{{.Kind}}</td><td>{{.From}}</td><td>{{.Until}}</td><td>{{.State}}</td><td>{{.Allowed}}</td></tr>
{{end}}</tbody></table>
<h2>{{.T "paper.gates"}}</h2>
<table><colgroup><col style="width:60mm"><col style="width:56mm"><col style="width:32mm"><col style="width:32mm"><col style="width:40mm"><col style="width:23mm"><col></colgroup>
<thead><tr><th scope="col">{{.T "paper.gate"}}</th><th scope="col">{{.T "paper.decides"}}</th><th scope="col">{{.T "paper.by"}}</th><th scope="col">{{.T "paper.latest"}}</th><th scope="col">{{.T "paper.poll"}}</th><th scope="col">{{.T "paper.stands"}}</th><th scope="col" class="pen">Go / No-go</th></tr></thead>
<tbody>{{range .Gates}}<tr><td><b>{{.ID}}</b><br>{{.Asks}}</td><td>{{.Decides}}{{template "call" .Who}}</td><td>{{.By}}</td><td>{{.Latest}}</td><td>{{.Poll}}</td><td>{{.State}}</td><td></td></tr>
{{end}}</tbody></table>
</section>
<section>
<h2>{{.T "paper.phones"}}</h2>
<table><colgroup><col style="width:55mm"><col style="width:52mm"><col style="width:32mm"><col style="width:51mm"><col style="width:32mm"><col></colgroup>
<thead><tr><th scope="col">{{.T "paper.seat"}}</th><th scope="col">{{.T "paper.now"}}</th><th scope="col">{{.T "paper.until"}}</th><th scope="col">{{.T "paper.next"}}</th><th scope="col">{{.T "paper.from"}}</th><th scope="col">{{.T "paper.deputy"}}</th></tr></thead>
<tbody>{{range .Phones}}<tr><td><b>{{.Seat}}</b></td><td>{{template "call" .Now}}</td><td>{{.Until}}</td><td>{{template "call" .Next}}</td><td>{{.From}}</td><td>{{template "call" .Deputy}}</td></tr>
{{end}}</tbody></table>
</section>
{{range .Books}}<section>
<h2>{{.ID}}{{if .Title}}: {{.Title}}{{end}}</h2>
<p>{{.About}}{{if and .About .Ends}} · {{end}}{{.Ends}}</p>
<table><colgroup><col style="width:8mm"><col style="width:70mm"><col style="width:47mm"><col style="width:27mm"><col style="width:32mm"><col style="width:23mm"><col style="width:22mm"><col style="width:22mm"><col></colgroup>
<thead><tr><th scope="col" class="n">#</th><th scope="col">{{$.T "book.col.step"}}</th><th scope="col">{{$.T "book.col.owner"}}</th><th scope="col">{{$.T "paper.expected"}}</th><th scope="col">{{$.T "book.col.needs"}}</th><th scope="col">{{$.T "paper.stands"}}</th><th scope="col" class="pen">{{$.T "paper.began"}}</th><th scope="col" class="pen">{{$.T "paper.ended"}}</th><th scope="col" class="pen">{{$.T "paper.sign"}}</th></tr></thead>
<tbody>{{range .Steps}}<tr{{if .NoReturn}} class="no-return"{{end}}><td class="n">{{.N}}</td><td><b>{{.ID}}</b>{{if .NoReturn}} ■ {{$.T "book.no-return"}}{{end}}{{if ne .Name .ID}}<br>{{.Name}}{{end}}{{if .Doing}}<br><span class="do">{{.Doing}}</span>{{end}}</td><td>{{.Owner}}{{template "call" .Who}}</td><td>{{.Day}}{{if .Hours}}<br>{{.Hours}}{{end}}{{if .Takes}}{{if .Day}}<br>{{end}}{{.Takes}}{{end}}</td><td>{{.Bound}}</td><td>{{.Done}}</td><td></td><td></td><td></td></tr>
{{end}}</tbody></table>
</section>
{{end}}<section>
<h2>{{.T "paper.notes"}}</h2>
<table class="lines"><colgroup><col style="width:22mm"><col><col style="width:40mm"></colgroup>
<thead><tr><th scope="col" class="pen">{{.T "paper.at"}}</th><th scope="col" class="pen">{{.T "paper.what"}}</th><th scope="col" class="pen">{{.T "paper.sign"}}</th></tr></thead>
<tbody>{{range .Lines}}<tr><td></td><td></td><td></td></tr>
{{end}}</tbody></table>
</section>
</body>
</html>
{{define "call"}}{{if .Name}} <span class="tel">{{.Name}}</span>{{end}}{{if .Phone}} <b class="tel">{{.Phone}}</b>{{end}}{{end}}`))
