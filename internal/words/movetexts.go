package words

// moveTexts tell what moving a date, splitting a window or another revision of the plan brings.
var moveTexts = []entry{
	{"move.title", "{milestone} flyttes", "{milestone} is moved"},
	{"move.reason", "Begrundelse: {reason}", "Reason: {reason}"},
	{"move.dates", "Det flytter sig", "What moves"},
	{"move.dates.none", "Ingen datoer ændrer sig.", "No date changes."},
	{"move.stays", "Det bliver stående, og står nu på den anden side", "What stays, and stands on the other side now"},
	{"move.stays.before", "{what} ({date}) ligger nu før {milestone}", "{what} ({date}) now lies before {milestone}"},
	{"move.stays.after", "{what} ({date}) ligger nu efter {milestone}", "{what} ({date}) now lies after {milestone}"},
	{"move.impossible", "Det bliver umuligt", "What becomes impossible"},
	{"move.problems", "Det siger skift validate om planen, som den bliver", "What skift validate says of the plan as it will be"},
	{"move.votes", "Svar, som ikke gælder mere", "Answers that count no more"},
	{"move.votes.open", "{gate}: spørg igen {seats}", "{gate}: ask {seats} again"},
	{"move.votes.decided", "{gate}: beslutningen skal træffes igen af {seats}", "{gate}: to be decided again by {seats}"},
	{"move.runs", "Det, der er i gang", "What is under way"},
	{"move.runs.bound", "{run} fortsætter efter den plan, det blev begyndt på", "{run} goes on by the plan it was begun on"},

	{"report.moved", "{milestone} blev flyttet {date}: {reason}", "{milestone} was moved on {date}: {reason}"},
	{"screen.moved", "før {dates} · flyttet {date}: {reason}", "was {dates} · moved {date}: {reason}"},

	{"moved.start", "{what} begynder", "{what} begins"},
	{"moved.end", "{what} slutter", "{what} ends"},
	{"moved.date", "{what}", "{what}"},
	{"moved.opens", "{what} åbner", "{what} opens"},
	{"moved.decide_by", "{what} skal være besluttet", "{what} to be decided"},

	{"hindrance.past", "{subject}: {at} er allerede forbi", "{subject}: {at} is over already"},
	{"hindrance.weekday", "{subject}: {at} er en anden ugedag", "{subject}: {at} is another weekday"},
	{"hindrance.holiday", "{subject}: {at} er en helligdag ({other})", "{subject}: {at} is a public holiday ({other})"},
	{"hindrance.half-day", "{subject}: {at} er en halv fridag ({other})", "{subject}: {at} is a half holiday ({other})"},
	{"hindrance.clock-change", "{subject}: {at} stilles uret", "{subject}: clocks change on {at}"},
	{"hindrance.exit-too-early", "{subject}: er forbi {at}, og {other}, som skal lukke den, kan tidligst spørges {by}", "{subject}: is over {at}, and {other}, which passes it, cannot be asked before {by}"},
	{"hindrance.certificate", "{subject}: certifikatet for {service} på {where} udløber {at}, før {other} ({by})", "{subject}: the certificate of {service} at {where} ends {at}, before {other} ({by})"},
	{"hindrance.rehearsal", "{subject}: prøven {other} fra {at} er for gammel; den skal være fra tidligst {by}", "{subject}: the rehearsal {other} of {at} is too old; it must not be from before {by}"},
	{"hindrance.consent", "{subject}: samtykket ophører {at}, før {other} slutter ({by})", "{subject}: the consent ends {at}, before {other} ends ({by})"},
	{"hindrance.consent-begins", "{subject}: samtykket begynder {at}, efter at {other} er begyndt ({by})", "{subject}: the consent begins {at}, after {other} has begun ({by})"},
	{"hindrance.zone-ends", "{subject}: zonen ophører {at}, før {other} slutter ({by})", "{subject}: the zone ends {at}, before {other} ends ({by})"},
}
