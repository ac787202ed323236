// Command kstatus judges Kubernetes objects as tools that wait for them do: by the kstatus library,
// which Helm and Flux use, and by Flux' own evaluator of a Kustomization's healthCheckExprs. It gets
// the expressions as JSON, reads objects as JSON lines, and answers each with a line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type judgement struct {
	Kstatus status.Status `json:"kstatus"`
	Flux    status.Status `json:"flux"`
	Message string        `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: kstatus HEALTH-CHECK-EXPRESSIONS-AS-JSON < OBJECTS")
	}
	var expressions kustomize.HealthCheckExpressions
	if err := json.Unmarshal([]byte(os.Args[1]), &expressions); err != nil {
		return fmt.Errorf("the expressions: %w", err)
	}
	evaluator, err := cel.NewStatusEvaluator(&expressions)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(lines.Bytes()); err != nil {
			return fmt.Errorf("an object: %w", err)
		}
		answer, err := judge(&object, evaluator)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	return lines.Err()
}

func judge(object *unstructured.Unstructured, evaluator *cel.StatusEvaluator) (*judgement, error) {
	computed, err := status.Compute(object)
	if err != nil {
		return nil, err
	}
	answer := judgement{computed.Status, status.UnknownStatus, computed.Message}
	// Where an expression cannot be evaluated, Flux waits as for any object that it cannot read.
	if evaluated, err := evaluator.Evaluate(context.Background(), object); err == nil {
		answer.Flux = evaluated.Status
	}
	return &answer, nil
}
