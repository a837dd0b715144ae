// Package check reads the Kubernetes manifests strictly into the types of the API. It is a module
// of its own, because the server needs none of these types.
package check

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of the folder above, by kind.
type manifests struct {
	sets     map[string]*appsv1.StatefulSet
	services map[string]*corev1.Service
	policies []*networkingv1.NetworkPolicy
	budgets  []*policyv1.PodDisruptionBudget
}

// readManifests reads all objects. A field that the API does not have, or has twice, is an error.
func readManifests(t *testing.T) *manifests {
	t.Helper()
	m := &manifests{sets: map[string]*appsv1.StatefulSet{}, services: map[string]*corev1.Service{}}
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; {
			doc, err := docs.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			m.add(t, file, doc)
		}
	}
	return m
}

func (m *manifests) add(t *testing.T, file string, doc []byte) {
	t.Helper()
	var head metav1.TypeMeta
	if err := yaml.Unmarshal(doc, &head); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	strict := func(into any) {
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	switch head.APIVersion + "/" + head.Kind {
	case "apps/v1/StatefulSet":
		s := &appsv1.StatefulSet{}
		strict(s)
		m.sets[s.Name] = s
	case "v1/Service":
		s := &corev1.Service{}
		strict(s)
		m.services[s.Name] = s
	case "networking.k8s.io/v1/NetworkPolicy":
		p := &networkingv1.NetworkPolicy{}
		strict(p)
		m.policies = append(m.policies, p)
	case "policy/v1/PodDisruptionBudget":
		p := &policyv1.PodDisruptionBudget{}
		strict(p)
		m.budgets = append(m.budgets, p)
	default:
		t.Errorf("%s: unexpected %s %s", file, head.APIVersion, head.Kind)
	}
}

// TestSelectors checks that every selector finds the pods that it is for.
func TestSelectors(t *testing.T) {
	m := readManifests(t)
	if len(m.sets) != 2 || len(m.services) != 2 || len(m.policies) != 1 || len(m.budgets) != 1 {
		t.Fatalf("%d sets, %d services, %d policies, %d budgets", len(m.sets), len(m.services), len(m.policies), len(m.budgets))
	}
	for name, set := range m.sets {
		pod := labels.Set(set.Spec.Template.Labels)
		for what, selector := range map[string]*metav1.LabelSelector{
			"its own":    set.Spec.Selector,
			"the budget": m.budgets[0].Spec.Selector,
			"the policy": &m.policies[0].Spec.PodSelector,
		} {
			s, err := metav1.LabelSelectorAsSelector(selector)
			if err != nil || !s.Matches(pod) {
				t.Errorf("%s: %s selector does not match its pods: %v", name, what, err)
			}
		}
		for _, service := range m.services {
			if !labels.SelectorFromSet(service.Spec.Selector).Matches(pod) {
				t.Errorf("%s: service %s does not select its pods", name, service.Name)
			}
		}
		if m.services[set.Spec.ServiceName] == nil || m.services[set.Spec.ServiceName].Spec.ClusterIP != corev1.ClusterIPNone {
			t.Errorf("%s: %q is no headless service", name, set.Spec.ServiceName)
		}
		for other, second := range m.sets {
			s, _ := metav1.LabelSelectorAsSelector(second.Spec.Selector)
			if other != name && s.Matches(pod) {
				t.Errorf("%s: the selector of %s matches its pods", name, other)
			}
		}
	}
}

// TestPortsAndProbes checks that every named port is one of the container.
func TestPortsAndProbes(t *testing.T) {
	m := readManifests(t)
	for name, set := range m.sets {
		ports := map[string]int32{}
		c := set.Spec.Template.Spec.Containers[0]
		for _, p := range c.Ports {
			ports[p.Name] = p.ContainerPort
		}
		for path, probe := range map[string]*corev1.Probe{"/livez": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path || ports[probe.HTTPGet.Port.StrVal] == 0 {
				t.Errorf("%s: no probe of %s at a port of the container", name, path)
			}
		}
		if c.StartupProbe == nil || c.StartupProbe.HTTPGet.Path != "/livez" {
			t.Errorf("%s: a long start would be ended by the liveness probe", name)
		}
		for _, service := range m.services {
			for _, p := range service.Spec.Ports {
				if ports[p.TargetPort.StrVal] == 0 {
					t.Errorf("service %s: port %s is not of %s", service.Name, p.TargetPort.String(), name)
				}
			}
		}
		for _, rule := range m.policies[0].Spec.Ingress {
			for _, p := range rule.Ports {
				if ports[p.Port.StrVal] == 0 {
					t.Errorf("the policy: port %s is not of %s", p.Port.String(), name)
				}
			}
		}
	}
}

// TestPodsAreRestricted checks what the pod security standard "restricted" asks for.
func TestPodsAreRestricted(t *testing.T) {
	for name, set := range readManifests(t).sets {
		pod := set.Spec.Template.Spec
		c := pod.Containers[0]
		p, s := pod.SecurityContext, c.SecurityContext
		switch {
		case len(pod.Containers) != 1 || p == nil || s == nil:
			t.Errorf("%s: one container and both security contexts are expected", name)
		case p.RunAsNonRoot == nil || !*p.RunAsNonRoot, p.SeccompProfile == nil || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault,
			s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation, s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem,
			s.Capabilities == nil || !reflect.DeepEqual(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0,
			pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken:
			t.Errorf("%s: not restricted: %v %v", name, p, s)
		}
		if c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: without a memory limit --max-memory is a part of the node's memory", name)
		}
		if set.Spec.Replicas == nil || *set.Spec.Replicas != 1 {
			t.Errorf("%s: two pods of one set would be two servers of different locks", name)
		}
		if pod.TerminationGracePeriodSeconds == nil || *pod.TerminationGracePeriodSeconds < 60 {
			t.Errorf("%s: a stop takes up to --stop-timeout, and longer while a backup takes over", name)
		}
	}
}

// TestBackupIsLikePrimary checks that the two pods differ by their labels and by the variables
// of a backup alone, so that the backup can take over.
func TestBackupIsLikePrimary(t *testing.T) {
	m := readManifests(t)
	primary, backup := m.sets["dlm-primary"], m.sets["dlm-backup"]
	if primary == nil || backup == nil {
		t.Fatalf("sets %v", m.sets)
	}
	own := map[string]corev1.EnvVar{}
	var rest []corev1.EnvVar
	for _, e := range backup.Spec.Template.Spec.Containers[0].Env {
		if e.Name == "DLM_BACKUP_OF" || e.Name == "DLM_TOKEN" {
			own[e.Name] = e
		} else {
			rest = append(rest, e)
		}
	}
	if got := own["DLM_BACKUP_OF"].Value; got != "dlm-primary-0.dlm-peers:7421" {
		t.Errorf("DLM_BACKUP_OF is %q", got)
	}
	if from := own["DLM_TOKEN"].ValueFrom; from == nil || from.SecretKeyRef == nil {
		t.Error("DLM_TOKEN does not come from a secret")
	}
	backup.Spec.Template.Spec.Containers[0].Env = rest
	if !reflect.DeepEqual(primary.Spec.Template.Spec, backup.Spec.Template.Spec) {
		t.Error("the pods of primary and backup differ")
	}
	if !reflect.DeepEqual(primary.Spec.VolumeClaimTemplates, backup.Spec.VolumeClaimTemplates) {
		t.Error("the volumes of primary and backup differ")
	}
}
