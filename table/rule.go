package table

// Rule is one of the rules of a recovery. Each is there because without it some
// sequence of crashes breaks a promise; the recovery model shows that by taking them
// out one by one (build tag mutants).
type Rule string

// The rules.
const (
	RuleNone         Rule = ""
	RuleCeilings     Rule = "tokens start above the ceilings of START and image"
	RuleLeap         Rule = "tokens leap ahead after a start from a copied or older image"
	RuleFullLease    Rule = "holds of the image start with their full lease"
	RuleNoGrants     Rule = "nothing is granted in the grace"
	RuleReentry      Rule = "no re-entry in the grace before the token was shown"
	RuleClaims       Rule = "a hold after the image is believed by its token"
	RuleFloor        Rule = "no claim of what had ended by the image"
	RuleLargerWins   Rule = "the larger token replaces the holder"
	RuleReleased     Rule = "a hold released in the grace keeps its token on record"
	RuleBarred       Rule = "nothing up to the token of a forced hold is believed"
	RuleRetoken      Rule = "a hold renewed without its token gets a new one"
	RuleCount        Rule = "COUNT sets the count of a known hold"
	RuleGraceFloor   Rule = "an image of the grace keeps the floor of the image before"
	RuleGraceImage   Rule = "a start from an image of the grace begins a whole grace"
	RuleCleanOnce    Rule = "an image is clean for the next start only"
	RuleLongestGrace Rule = "the grace lasts as long as any lease can"
	RuleGrace        Rule = "a start after a crash has a grace"
)
