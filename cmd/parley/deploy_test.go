package main_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// documents are those of a YAML file in deploy.
func documents(t *testing.T, file string) (all []map[string]any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../../deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	for decoder := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var one map[string]any
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, one)
	}
}

// at is what is found in nested objects under some keys; nil: nothing.
func at(value any, keys ...string) any {
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = object[key]
	}
	return value
}

// settings are the names of the variables that the program takes its settings from.
func settings(t *testing.T) []string {
	t.Helper()
	out, err := command(nil, "serve", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regexp.MustCompile(`\$([A-Z_]+)`).FindAllStringSubmatch(string(out), -1) {
		names = append(names, found[1])
	}
	return names
}

// TestDeployCompose: what the compose file gives the services is what they take.
func TestDeployCompose(t *testing.T) {
	known := settings(t)
	compose := documents(t, "compose/compose.yaml")[0]
	services := at(compose, "services").(map[string]any)
	volumes := at(compose, "volumes").(map[string]any)
	for name, service := range services {
		for _, other := range texts(at(service, "depends_on")) {
			if services[other] == nil {
				t.Errorf("%s depends on %s, which there is not", name, other)
			}
		}
		for _, volume := range texts(at(service, "volumes")) {
			volume, _, _ = strings.Cut(volume, ":")
			if volumes[volume] == nil {
				t.Errorf("%s has the volume %s, which there is not, or which another one has", name, volume)
			}
			delete(volumes, volume)
		}
		if at(service, "image") == nil || at(service, "build") == nil {
			t.Errorf("%s has no image", name)
		}
		for _, file := range regexp.MustCompile(`/etc/parley/(\S+)`).FindAllStringSubmatch(asText(at(service, "command")), -1) {
			if _, err := os.Stat("../../deploy/compose/" + file[1]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, name := range []string{"api1", "api2"} {
		environment := at(services, name, "environment").(map[string]any)
		if len(environment) == 0 {
			t.Errorf("%s has no settings", name)
		}
		for variable, value := range environment {
			if !slices.Contains(known, variable) {
				t.Errorf("%s: the program knows no setting %s", name, variable)
			}
			for _, host := range regexp.MustCompile(`(\w+):5432`).FindAllStringSubmatch(asText(value), -1) {
				if services[host[1]] == nil {
					t.Errorf("%s: %s leads to %s, which there is not", name, variable, host[1])
				}
			}
		}
	}
	proxy, err := os.ReadFile("../../deploy/compose/haproxy.cfg")
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range regexp.MustCompile(`(?m)^ +server (\w+) (\w+):`).FindAllStringSubmatch(string(proxy), -1) {
		if server[1] != server[2] || services[server[1]] == nil {
			t.Errorf("HAProxy leads to %s, which there is not", server[0])
		}
	}
	patroni := documents(t, "compose/patroni.yml")[0]
	for _, key := range []string{"synchronous_mode", "synchronous_mode_strict"} {
		if at(patroni, "bootstrap", "dcs", key) != true {
			t.Errorf("patroni.yml: %s is not on, and acknowledged writes may be lost", key)
		}
	}
}

// TestDeployKubernetes: what refers to something in the manifests finds it.
func TestDeployKubernetes(t *testing.T) {
	known := settings(t)
	all := append(documents(t, "kubernetes/database.yaml"), documents(t, "kubernetes/parley.yaml")...)
	kinds := map[string]map[string]any{}
	for _, one := range all {
		name, kind := asText(at(one, "metadata", "name")), asText(at(one, "kind"))
		if asText(at(one, "apiVersion")) == "" || kind == "" || name == "" {
			t.Errorf("a document without apiVersion, kind or name: %v", one)
		}
		if kinds[kind+"/"+name] != nil {
			t.Errorf("%s/%s is there twice", kind, name)
		}
		kinds[kind+"/"+name] = one
	}
	deployment, cluster := kinds["Deployment/parley"], kinds["Cluster/parley-db"]
	if deployment == nil || cluster == nil {
		t.Fatalf("there are %v", slices.Sorted(maps.Keys(kinds)))
	}
	if at(cluster, "spec", "postgresql", "synchronous", "dataDurability") != "required" {
		t.Error("the database acknowledges writes that are on one node only")
	}
	labels := at(deployment, "spec", "template", "metadata", "labels")
	for _, selector := range []any{at(deployment, "spec", "selector", "matchLabels"), at(kinds["Service/parley"], "spec", "selector"), at(kinds["PodDisruptionBudget/parley"], "spec", "selector", "matchLabels")} {
		if asText(at(labels, "app.kubernetes.io/name")) == "" || asText(at(selector, "app.kubernetes.io/name")) != asText(at(labels, "app.kubernetes.io/name")) {
			t.Errorf("a selector finds nothing: %v", selector)
		}
	}
	if at(kinds["Service/parley-db-standbys"], "spec", "selector", "cnpg.io/cluster") != "parley-db" || at(kinds["Service/parley-db-standbys"], "spec", "clusterIP") != "None" {
		t.Error("the standbys are not found, each by an address of its own")
	}
	container := at(deployment, "spec", "template", "spec", "containers").([]any)[0]
	ports := map[string]bool{}
	for _, port := range at(container, "ports").([]any) {
		ports[asText(at(port, "name"))] = true
	}
	for _, probe := range []string{"readinessProbe", "livenessProbe", "startupProbe"} {
		path := asText(at(container, probe, "httpGet", "path"))
		if !ports[asText(at(container, probe, "httpGet", "port"))] || path != "/readyz" && path != "/healthz" {
			t.Errorf("%s asks for nothing that there is", probe)
		}
	}
	own := map[string]bool{}
	for _, variable := range at(container, "env").([]any) {
		name, value := asText(at(variable, "name")), asText(at(variable, "value"))
		if own[name] = true; value != "" && !slices.Contains(known, name) {
			t.Errorf("the program knows no setting %s", name)
		}
		for _, used := range regexp.MustCompile(`\$\((\w+)\)`).FindAllStringSubmatch(value, -1) {
			if !own[used[1]] {
				t.Errorf("%s is made of %s, which does not stand before it", name, used[1])
			}
		}
		for _, host := range regexp.MustCompile(`@([\w-]+):5432/parley$`).FindAllStringSubmatch(value, -1) {
			if host[1] != "parley-db-rw" && kinds["Service/"+host[1]] == nil { // the first is made by CloudNativePG
				t.Errorf("%s leads to %s, which there is not", name, host[1])
			}
		}
	}
}

func asText(value any) string {
	s, _ := value.(string)
	return s
}

func texts(value any) (all []string) {
	listed, _ := value.([]any)
	for _, one := range listed {
		all = append(all, asText(one))
	}
	return all
}
