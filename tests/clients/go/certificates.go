package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// certificates makes one that signs itself, has one signed by an authority of its own, and takes the first away and back.
func certificates(ctx context.Context, credential azcore.TokenCredential) {
	const name = "door"
	client := must(azcertificates.NewClient(vaultURI(), credential, nil))
	made := completed(ctx, client, name, "Self")
	version := must(client.GetCertificate(ctx, name, "", nil))
	leaf := must(x509.ParseCertificate(version.CER))
	check(made == "completed" && leaf.Subject.CommonName == "door.example" && leaf.CheckSignature(leaf.SignatureAlgorithm,
		leaf.RawTBSCertificate, leaf.Signature) == nil, "azcertificates makes one that signs itself")

	secret := must(must(azsecrets.NewClient(vaultURI(), credential, nil)).GetSecret(ctx, name, version.ID.Version(), nil))
	check(*secret.ContentType == "application/x-pem-file" && string(*secret.KID) == string(*version.KID), "whose secret has the key")

	signedElsewhere(ctx, client)

	must(client.SetContacts(ctx, azcertificates.Contacts{ContactList: []*azcertificates.Contact{{Email: to.Ptr("a@b.example")}}}, nil))
	contacts := must(client.GetContacts(ctx, nil))
	check(*contacts.ContactList[0].Email == "a@b.example", "azcertificates keeps contacts")
	listed := 0
	for pager := client.NewListCertificatePropertiesPager(nil); pager.More(); {
		listed += len(must(pager.NextPage(ctx)).Value)
	}
	check(listed == 2, "azcertificates lists %d certificates", listed)

	must(client.DeleteCertificate(ctx, name, nil))
	check(within(ctx, func() bool {
		_, err := client.GetDeletedCertificate(ctx, name, nil)
		return err == nil
	}), "azcertificates deletes one")
	must(client.RecoverDeletedCertificate(ctx, name, nil))
	check(within(ctx, func() bool {
		back, err := client.GetCertificate(ctx, name, "", nil)
		return err == nil && bytes.Equal(back.CER, version.CER)
	}), "azcertificates takes it back")
}

// completed asks for a certificate, and waits for what becomes of the request.
func completed(ctx context.Context, client *azcertificates.Client, name, issuer string) string {
	must(client.CreateCertificate(ctx, name, azcertificates.CreateCertificateParameters{
		CertificatePolicy: &azcertificates.CertificatePolicy{
			IssuerParameters: &azcertificates.IssuerParameters{Name: to.Ptr(issuer)},
			KeyProperties: &azcertificates.KeyProperties{
				KeyType: to.Ptr(azcertificates.KeyTypeRSA), KeySize: to.Ptr[int32](2048),
				Exportable: to.Ptr(true), ReuseKey: to.Ptr(false),
			},
			SecretProperties: &azcertificates.SecretProperties{ContentType: to.Ptr("application/x-pem-file")},
			X509CertificateProperties: &azcertificates.X509CertificateProperties{
				Subject: to.Ptr("CN=" + name + ".example"), ValidityInMonths: to.Ptr[int32](12),
			},
		},
	}, nil))
	status := "inProgress"
	if issuer == "Self" {
		check(within(ctx, func() bool {
			status = *must(client.GetCertificateOperation(ctx, name, nil)).Status
			return status != "inProgress"
		}), "the request for %s ends", name)
	}
	return status
}

// signedElsewhere takes a signing request out of the vault and merges what an authority made of it.
func signedElsewhere(ctx context.Context, client *azcertificates.Client) {
	const name = "merged"
	completed(ctx, client, name, "Unknown")
	request := must(x509.ParseCertificateRequest(must(client.GetCertificateOperation(ctx, name, nil)).CSR))
	check(request.CheckSignature() == nil, "azcertificates gives a signing request out")
	key := must(rsa.GenerateKey(rand.Reader, 2048))
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: request.Subject,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, leaf, authority, request.PublicKey, key))
	merged := must(client.MergeCertificate(ctx, name, azcertificates.MergeCertificateParameters{
		X509Certificates: [][]byte{der},
	}, nil))
	check(bytes.Equal(merged.CER, der), "and merges what was signed")
	foreign := base64.StdEncoding.EncodeToString(der)
	_, err := client.ImportCertificate(ctx, "foreign", azcertificates.ImportCertificateParameters{
		Base64EncodedCertificate: to.Ptr(foreign),
	}, nil)
	status, code := refused(err)
	check(status == 400, "a certificate without its key is not imported: %d %s", status, code)
}
