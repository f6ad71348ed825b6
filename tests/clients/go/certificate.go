package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

// byCertificate registers the certificate of a new key with the application, and signs in with it.
func byCertificate(ctx context.Context, owner azcore.TokenCredential, tenant string) azcore.TokenCredential {
	id := env("AZURE_CLIENT_ID")
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	template := x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "go-clients"},
		NotBefore:    time.Now().Add(-time.Minute),
		NotAfter:     time.Now().Add(time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key))
	credentials := []map[string]any{{"type": "AsymmetricX509Cert", "usage": "Verify", "key": der}}
	graph(ctx, owner, http.MethodPatch, "/applications(appId='"+id+"')", map[string]any{"keyCredentials": credentials})

	certificate := must(x509.ParseCertificate(der))
	credential := must(azidentity.NewClientCertificateCredential(tenant, id, []*x509.Certificate{certificate}, key, nil))
	check(claims(ctx, credential, vaultScope)["appid"] == id, "ClientCertificateCredential signs in")
	other := must(rsa.GenerateKey(rand.Reader, 2048))
	template.SerialNumber = big.NewInt(2)
	der = must(x509.CreateCertificate(rand.Reader, &template, &template, &other.PublicKey, other))
	unknown := []*x509.Certificate{must(x509.ParseCertificate(der))}
	stranger := must(azidentity.NewClientCertificateCredential(tenant, id, unknown, other, nil))
	_, err := stranger.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{vaultScope}})
	check(err != nil && bytes.Contains([]byte(err.Error()), []byte("AADSTS700027")),
		"a certificate that nobody registered is refused with AADSTS700027")
	return credential
}

// graph sends one request to Microsoft Graph: its own Go module is a hundred times what this needs.
func graph(ctx context.Context, credential azcore.TokenCredential, method, path string, body any) {
	bearer := runtime.NewBearerTokenPolicy(credential, []string{"https://graph.microsoft.com/.default"}, nil)
	pipeline := runtime.NewPipeline("clients", "1", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, nil)
	request := must(runtime.NewRequest(ctx, method, "https://graph.microsoft.com/v1.0"+path))
	content := streaming.NopCloser(bytes.NewReader(must(json.Marshal(body))))
	must(0, request.SetBody(content, "application/json"))
	response := must(pipeline.Do(request))
	defer response.Body.Close()
	said := must(io.ReadAll(response.Body))
	check(response.StatusCode < 300, "Graph takes %s %s: %d %s", method, path, response.StatusCode, said)
}
