package clients;

import com.azure.resourcemanager.resources.ResourceManager;
import com.azure.resourcemanager.resources.fluent.ResourcesClient;
import com.azure.resourcemanager.resources.fluent.models.GenericResourceInner;
import com.azure.resourcemanager.resources.models.Identity;
import com.azure.resourcemanager.resources.models.ResourceIdentityType;
import com.azure.resourcemanager.resources.models.Sku;

import java.util.Map;

/** A cluster, by the resource manager's client for resources of every kind. */
final class Cluster {
  private static final String API_VERSION = "2024-04-13";

  private final ResourcesClient resources;
  private final String id;

  Cluster(ResourceManager manager, String group, String name) {
    resources = manager.serviceClient().getResources();
    id = "/subscriptions/%s/resourceGroups/%s/providers/Microsoft.Kusto/clusters/%s"
        .formatted(manager.subscriptionId(), group, name);
  }

  String create(String region) {
    final GenericResourceInner wanted = new GenericResourceInner()
        .withSku(new Sku().withName("Standard_E2ads_v5").withTier("Standard").withCapacity(2))
        .withProperties(Map.of("enableStreamingIngest", true));
    wanted.withLocation(region);
    return (String) property(resources.createOrUpdateById(id, API_VERSION, wanted), "provisioningState");
  }

  /** @return the object id of the identity */
  String giveIdentity() {
    final Identity own = new Identity().withType(ResourceIdentityType.SYSTEM_ASSIGNED);
    return resources.updateById(id, API_VERSION, new GenericResourceInner().withIdentity(own)).identity().principalId();
  }

  /** @return the provisioning state and the version of the key that is used afterwards */
  String useKey(String vaultUri, String name, String version) {
    final Map<String, Object> key = Map.of("keyVaultUri", vaultUri, "keyName", name, "keyVersion", version);
    final GenericResourceInner updated = resources.updateById(id, API_VERSION,
        new GenericResourceInner().withProperties(Map.of("keyVaultProperties", key)));
    final Map<?, ?> used = (Map<?, ?>) property(updated, "keyVaultProperties");
    return property(updated, "provisioningState") + " " + used.get("keyVersion");
  }

  /** @return the name of the database */
  String createDatabase(String name, String region) {
    final GenericResourceInner wanted = new GenericResourceInner().withKind("ReadWrite").withProperties(Map.of());
    wanted.withLocation(region);
    resources.createOrUpdateById(id + "/databases/" + name, API_VERSION, wanted);
    return name;
  }

  String uri() {
    return (String) property(resources.getById(id, API_VERSION), "uri");
  }

  private static Object property(GenericResourceInner resource, String name) {
    return ((Map<?, ?>) resource.properties()).get(name);
  }
}
