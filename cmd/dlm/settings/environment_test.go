package settings

import (
	"os"
	"testing"
)

func TestSecretsAreTakenOutOfEnvironment(t *testing.T) {
	for _, name := range []string{EnvToken, EnvAdminToken, "DLM_LEASE"} {
		t.Setenv(name, "value of "+name)
	}
	env, err := TakeEnvironment()
	if err != nil || env[EnvToken] != "value of DLM_TOKEN" || env[EnvAdminToken] != "value of DLM_ADMIN_TOKEN" {
		t.Errorf("%v %v", env, err)
	}
	for name, want := range map[string]string{EnvToken: "", EnvAdminToken: "", "DLM_LEASE": "value of DLM_LEASE"} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
