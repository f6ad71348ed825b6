package clients;

import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A program that has been given a managed identity in one way or another: prints what each credential of it can do. */
public final class Identities {
  private static final Pattern NAME = Pattern.compile("\"xms_mirid\":\"[^\"]*/([^\"/]+)\"");

  private Identities() {
  }

  public static void main(String[] arguments) {
    final String own = System.getenv("AZURE_CLIENT_ID");
    final String found = outcome(() -> new DefaultAzureCredentialBuilder().build());
    final String managed = outcome(() -> new ManagedIdentityCredentialBuilder().clientId(own).build());
    final String workload = outcome(() -> new WorkloadIdentityCredentialBuilder().build());
    System.out.printf("{\"default\":\"%s\",\"managed\":\"%s\",\"workload\":\"%s\"}%n", found, managed, workload);
    System.exit(0); // the clients' threads would keep the program
  }

  /** The name of the identity that the token is of, or `none`. */
  private static String outcome(Supplier<TokenCredential> credential) {
    try {
      final var request = new TokenRequestContext().addScopes("https://vault.azure.net/.default");
      final String token = credential.get().getTokenSync(request).getToken();
      final byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.")[1]);
      final Matcher name = NAME.matcher(new String(claims, StandardCharsets.UTF_8).replace("\\/", "/"));
      return name.find() ? name.group(1) : "none";
    } catch (RuntimeException error) { // whatever a client says
      System.err.println(error.getMessage());
      return "none";
    }
  }
}
