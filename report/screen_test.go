package report

import "testing"

func TestTruncate(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{
		{"lodash", 6, "lodash"},
		{"a title of many words", 8, "a title…"},
		{"/srv/app/node_modules/lodash", 10, "…es/lodash"},
		{"org.springframework:spring-beans", 13, "…spring-beans"},
		{"github.com/gin-gonic/gin", 8, "…nic/gin"},
		{"4.3.30.RELEASE -> 5.2.20.RELEASE", 20, "…E -> 5.2.20.RELEASE"},
		{"upgrade lodash 4.17.4 -> 4.17.23", 32, "upgrade lodash 4.17.4 -> 4.17.23"},
		{"upgrade lodash 4.17.4 -> 4.17.23", 25, "upgrade lodash -> 4.17.23"},
		{"upgrade lodash 4.17.4 -> 4.17.23", 20, "upgrade … -> 4.17.23"},
		{"upgrade a.b.c:spring-beans 1.0.0 -> 2.0.0", 30, "upgrade …spring-beans -> 2.0.0"},
		{"1:1.2.13.dfsg-1, no fix yet", 12, "1:1.2.13.df…"},
		{"x", 0, "x"},
	} {
		if got := truncate(tt.text, tt.n); got != tt.want || tt.n > 0 && visible(got) > tt.n {
			t.Errorf("%q to %d: %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}
