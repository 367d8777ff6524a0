package assess

// ScoreOf scores a vector with all its metrics, by the code that environments are scored with.
func ScoreOf(text string) (score float64, ok bool) {
	v := parseVector(text)
	if v == nil {
		return 0, false
	}
	return environmentalScore(v)
}

// Weigh assesses a subject without looking for steps.
func Weigh(s *Subject, env Environment, o Options) *Assessment { return weigh(s, env, o) }
