package assess

// ScoreOf scores a vector with all its metrics, by the code that environments are scored with.
func ScoreOf(text string) (score float64, ok bool) {
	v := parseVector(text)
	if v == nil {
		return 0, false
	}
	return environmentalScore(v)
}
