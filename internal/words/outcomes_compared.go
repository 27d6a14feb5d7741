package words

// comparedOutcomes are about what skift itself makes of answers: held against each other, or lost by a bug.
var comparedOutcomes = []outcomeEntry{
	{"internal", Ours,
		"En fejl i skift selv forhindrede målingen; platformen er ikke bedømt.",
		"A fault in skift itself prevented the observation; the platform was not judged.",
		"Mål igen, og meld fejlen med teksten under detaljerne til den, der vedligeholder skift.",
		"Observe again, and report the fault, with the text under its details, to whoever maintains skift."},
	{"differs", Supplier,
		"Den nye platform svarer, men ikke sådan som kontrollen kræver det i forhold til den gamle.",
		"The new platform answers, but not as the check demands in comparison with the old one.",
		"Se forskellene, og få den nye platform rettet, eller ret kravet i planen, hvis forskellen er tilsigtet.",
		"Look at the differences, and have the new platform corrected, or the rule in the plan if the difference is intended."},
}
