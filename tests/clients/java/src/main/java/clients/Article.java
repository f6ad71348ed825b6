package clients;

import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.core.management.AzureEnvironment;
import com.azure.core.management.profile.AzureProfile;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.resourcemanager.authorization.AuthorizationManager;
import com.azure.resourcemanager.keyvault.KeyVaultManager;
import com.azure.resourcemanager.keyvault.models.KeyPermissions;
import com.azure.resourcemanager.keyvault.models.Vault;
import com.azure.resourcemanager.resources.ResourceManager;
import com.azure.security.keyvault.certificates.CertificateClientBuilder;
import com.azure.security.keyvault.certificates.models.CertificatePolicy;
import com.azure.security.keyvault.keys.KeyClient;
import com.azure.security.keyvault.keys.KeyClientBuilder;
import com.azure.security.keyvault.keys.cryptography.models.KeyWrapAlgorithm;
import com.azure.security.keyvault.keys.models.CreateRsaKeyOptions;
import com.azure.security.keyvault.keys.models.KeyOperation;
import com.azure.security.keyvault.keys.models.KeyVaultKey;
import com.azure.security.keyvault.secrets.SecretClientBuilder;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Microsoft's article on customer-managed keys with the clients for Java, under `kustody run`. */
public final class Article {
  private static final String GROUP = "rg-java";
  private static final String REGION = "westus2";
  private static final String VAULT = "java-vault";
  private static final String KEY = "cluster-key";
  private static final String SUBSCRIPTION = System.getenv("AZURE_SUBSCRIPTION_ID");
  private static final String TENANT = System.getenv("AZURE_TENANT_ID");
  private static final String CLIENT = System.getenv("AZURE_CLIENT_ID");

  private final TokenCredential credential = new ClientSecretCredentialBuilder()
      .tenantId(TENANT).clientId(CLIENT).clientSecret(System.getenv("AZURE_CLIENT_SECRET")).build();
  private final AzureProfile profile = new AzureProfile(TENANT, SUBSCRIPTION, AzureEnvironment.AZURE);
  private final ResourceManager resources =
      ResourceManager.authenticate(credential, profile).withSubscription(SUBSCRIPTION);
  private final KeyVaultManager vaults = KeyVaultManager.authenticate(credential, profile);

  public static void main(String[] arguments) throws Exception {
    new Article().perform();
    System.exit(0); // the clients' threads would keep the program
  }

  private void perform() throws Exception {
    resources.resourceGroups().define(GROUP).withRegion(REGION).create();
    final Vault vault = makeVault();
    signInByCertificate(vault);

    final KeyClient keys = new KeyClientBuilder().vaultUrl(vault.vaultUri()).credential(credential).buildClient();
    final KeyVaultKey first = keys.createRsaKey(new CreateRsaKeyOptions(KEY).setKeySize(2048));
    wrapAndUnwrap(keys, first);

    final Cluster cluster = new Cluster(resources, GROUP, "javacluster");
    Seen.check("cluster", "Succeeded", cluster.create(REGION));
    final String without = Seen.refusal(() -> cluster.useKey(vault.vaultUri(), KEY, version(first)));
    Seen.check("key without an identity", "400 KeyVaultPropertiesOnlyForSystemAssignedResources", without);
    final String principal = cluster.giveIdentity();
    final String early = Seen.refusal(() -> cluster.useKey(vault.vaultUri(), KEY, version(first)));
    Seen.check("key without permission", "400 IdentityDoesNotHaveAccessToKeyVault", early);
    allow(vault, principal);
    Seen.check("key", "Succeeded " + version(first), cluster.useKey(vault.vaultUri(), KEY, version(first)));

    final String database = cluster.createDatabase("logs", REGION);
    try (Queued queued = new Queued(cluster.uri(), database, credential)) {
      queued.ingest();
    }
    try (Rows rows = new Rows(cluster.uri(), database, credential)) {
      rows.write();
      Seen.check("rows", "3", rows.count());
      final KeyVaultKey second = keys.rotateKey(KEY);
      Seen.check("rotated key", "Succeeded " + version(second), cluster.useKey(vault.vaultUri(), KEY, version(second)));
      Seen.check("rows after the rotation", "3", rows.count());
      enable(keys, second, false);
      Seen.comesTo("rows without the key", "refused", rows::count);
      enable(keys, second, true);
      Seen.comesTo("rows with the key again", "3", rows::count);
    }
  }

  private Vault makeVault() {
    final String token = credential.getTokenSync(
        new TokenRequestContext().addScopes("https://vault.azure.net/.default")).getToken();
    final Vault vault = vaults.vaults().define(VAULT).withRegion(REGION).withExistingResourceGroup(GROUP)
        .defineAccessPolicy().forObjectId(objectIdIn(token))
        .allowKeyAllPermissions().allowSecretAllPermissions().allowCertificateAllPermissions().attach()
        .withSoftDeleteEnabled().withPurgeProtectionEnabled().create();
    Seen.check("soft delete and purge protection", "true true",
        vault.softDeleteEnabled() + " " + vault.purgeProtectionEnabled());
    return vault;
  }

  /** A certificate that the vault makes becomes one of the application's, and its key, which the vault has as a secret, signs in. */
  private void signInByCertificate(Vault vault) {
    final var made = new CertificateClientBuilder().vaultUrl(vault.vaultUri()).credential(credential).buildClient()
        .beginCreateCertificate("sign-in", CertificatePolicy.getDefault()).getFinalResult();
    final var applications = AuthorizationManager.authenticate(credential, profile).applications();
    final var own = applications.listByFilter("appId eq '" + CLIENT + "'").iterator().next();
    own.update().defineCertificateCredential("java").withAsymmetricX509Certificate().withPublicKey(made.getCer())
        .withDuration(Duration.ofDays(30)).attach().apply();
    final var secrets = new SecretClientBuilder().vaultUrl(vault.vaultUri()).credential(credential).buildClient();
    final byte[] pfx = Base64.getDecoder().decode(secrets.getSecret("sign-in").getValue());
    final TokenCredential certificate = new ClientCertificateCredentialBuilder()
        .tenantId(TENANT).clientId(CLIENT).pfxCertificate(new ByteArrayInputStream(pfx)).build();
    Seen.check("secret", "kept", new SecretClientBuilder().vaultUrl(vault.vaultUri()).credential(certificate).buildClient()
        .setSecret("by-certificate", "kept").getValue());
    Seen.check("secret by DefaultAzureCredential", "kept", new SecretClientBuilder().vaultUrl(vault.vaultUri())
        .credential(new DefaultAzureCredentialBuilder().build()).buildClient().getSecret("by-certificate").getValue());
  }

  private void wrapAndUnwrap(KeyClient keys, KeyVaultKey key) {
    final var cryptography = keys.getCryptographyClient(KEY, version(key));
    final byte[] wrapped = cryptography.wrapKey(KeyWrapAlgorithm.RSA_OAEP_256, new byte[32]).getEncryptedKey();
    final byte[] unwrapped = cryptography.unwrapKey(KeyWrapAlgorithm.RSA_OAEP_256, wrapped).getKey();
    Seen.check("bytes wrapped and unwrapped", "256 32", wrapped.length + " " + unwrapped.length);
  }

  private void allow(Vault vault, String principal) {
    vault.update().defineAccessPolicy().forObjectId(principal)
        .allowKeyPermissions(KeyPermissions.GET, KeyPermissions.WRAP_KEY, KeyPermissions.UNWRAP_KEY).attach().apply();
  }

  /** The operations are named, too: this client sends an empty list of them where none are. */
  private static void enable(KeyClient keys, KeyVaultKey key, boolean isEnabled) {
    keys.updateKeyProperties(key.getProperties().setEnabled(isEnabled), key.getKeyOperations().toArray(new KeyOperation[0]));
  }

  private static String version(KeyVaultKey key) {
    return key.getProperties().getVersion();
  }

  private static String objectIdIn(String token) {
    final byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.")[1]);
    final Matcher found = Pattern.compile("\"oid\":\"([^\"]+)\"").matcher(new String(claims, StandardCharsets.UTF_8));
    if (!found.find()) throw new IllegalStateException("The token names no object.");
    return found.group(1);
  }
}
