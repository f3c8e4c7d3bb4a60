//go:build tools

// Package tools names the command that is built from here, so that go.mod and go.sum stay complete for it.
package tools

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
