package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

func env(name string) string {
	value := os.Getenv(name)
	if value == "" {
		check(false, "the environment has %s", name)
	}
	return value
}

// check prints what holds, or ends the program with what does not.
func check(holds bool, format string, args ...any) {
	if !holds {
		fmt.Printf("FAILED "+format+"\n", args...)
		os.Exit(1)
	}
	fmt.Printf("ok "+format+"\n", args...)
}

// must is for what is no check of its own, but on the way to one.
func must[T any](value T, err error) T {
	if err != nil {
		fmt.Printf("FAILED %v\n", err)
		os.Exit(1)
	}
	return value
}

// done waits for a long-running operation as its client's poller does.
func done[T any](ctx context.Context) func(poller *runtime.Poller[T], err error) T {
	return func(poller *runtime.Poller[T], err error) T {
		return must(must(poller, err).PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: time.Second}))
	}
}

// refused is the status and code of what the service answered.
func refused(err error) (int, string) {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode, answer.ErrorCode
	}
	return 0, fmt.Sprint(err)
}

// within asks until it holds, as long as the service may take.
func within(ctx context.Context, holds func() bool) bool {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if holds() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
	return false
}

// claims are those of a token for this scope.
func claims(ctx context.Context, credential azcore.TokenCredential, scope string) map[string]any {
	token := must(credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}}))
	var said map[string]any
	body := must(base64.RawURLEncoding.DecodeString(strings.Split(token.Token, ".")[1]))
	must(0, json.Unmarshal(body, &said))
	return said
}

func lastPart(path any) string {
	parts := strings.Split(fmt.Sprint(path), "/")
	return parts[len(parts)-1]
}
