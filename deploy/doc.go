// Package deploy has no code. Its tests check the files of this folder: the systemd unit, the
// container image, the Kubernetes manifests, the alert rules and the dashboard.
//
// A test whose tool is missing is skipped, and fails where DLM_CI is set.
package deploy
