package detect

import (
	"os"
	"strings"
	"testing"
)

func TestTheVersionOfVelesIsThatOfTheModule(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(mod), "github.com/google/osv-scalibr v"+velesVersion+"\n") {
		t.Errorf("go.mod has another version than %s: %v", velesVersion, err)
	}
}
