# The article as a configuration: a vault, a key, and a cluster that is encrypted under it.

terraform {
  required_providers {
    azurerm = { source = "hashicorp/azurerm" }
  }
}

provider "azurerm" {
  features {}
}

data "azurerm_client_config" "current" {}

resource "azurerm_resource_group" "group" {
  name     = "terraform"
  location = "westeurope"
}

resource "azurerm_user_assigned_identity" "cluster" {
  name                = "terraform-cluster"
  resource_group_name = azurerm_resource_group.group.name
  location            = azurerm_resource_group.group.location
}

resource "azurerm_key_vault" "keys" {
  name                       = "terraform-keys"
  resource_group_name        = azurerm_resource_group.group.name
  location                   = azurerm_resource_group.group.location
  tenant_id                  = data.azurerm_client_config.current.tenant_id
  sku_name                   = "standard"
  rbac_authorization_enabled = false
  purge_protection_enabled   = true
  soft_delete_retention_days = 7
}

resource "azurerm_key_vault_access_policy" "own" {
  key_vault_id    = azurerm_key_vault.keys.id
  tenant_id       = data.azurerm_client_config.current.tenant_id
  object_id       = data.azurerm_client_config.current.object_id
  key_permissions = ["Get", "Create", "Delete", "Recover", "Update", "GetRotationPolicy", "SetRotationPolicy"]
}

resource "azurerm_key_vault_access_policy" "cluster" {
  key_vault_id    = azurerm_key_vault.keys.id
  tenant_id       = data.azurerm_client_config.current.tenant_id
  object_id       = azurerm_user_assigned_identity.cluster.principal_id
  key_permissions = ["Get", "WrapKey", "UnwrapKey"]
}

resource "azurerm_key_vault_key" "key" {
  name         = "cluster-key"
  key_vault_id = azurerm_key_vault.keys.id
  key_type     = "RSA"
  key_size     = 2048
  key_opts     = ["wrapKey", "unwrapKey"]

  rotation_policy {
    expire_after         = "P90D"
    notify_before_expiry = "P29D"
    automatic { time_before_expiry = "P30D" }
  }

  depends_on = [azurerm_key_vault_access_policy.own]
}

resource "azurerm_kusto_cluster" "cluster" {
  name                        = "terraformcluster"
  resource_group_name         = azurerm_resource_group.group.name
  location                    = azurerm_resource_group.group.location
  streaming_ingestion_enabled = true

  sku {
    name     = "Standard_E8ads_v5"
    capacity = 2
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.cluster.id]
  }
}

resource "azurerm_kusto_cluster_customer_managed_key" "key" {
  cluster_id    = azurerm_kusto_cluster.cluster.id
  key_vault_id  = azurerm_key_vault.keys.id
  key_name      = azurerm_key_vault_key.key.name
  key_version   = azurerm_key_vault_key.key.version
  user_identity = azurerm_user_assigned_identity.cluster.id

  depends_on = [azurerm_key_vault_access_policy.cluster]
}

resource "azurerm_kusto_database" "logs" {
  name                = "Logs"
  resource_group_name = azurerm_resource_group.group.name
  location            = azurerm_resource_group.group.location
  cluster_name        = azurerm_kusto_cluster.cluster.name
  soft_delete_period  = "P30D"
  hot_cache_period    = "P7D"
}

resource "azurerm_kusto_database_principal_assignment" "viewer" {
  name                = "viewer"
  resource_group_name = azurerm_resource_group.group.name
  cluster_name        = azurerm_kusto_cluster.cluster.name
  database_name       = azurerm_kusto_database.logs.name
  tenant_id           = data.azurerm_client_config.current.tenant_id
  principal_id        = azurerm_user_assigned_identity.cluster.client_id
  principal_type      = "App"
  role                = "Viewer"
}

resource "azurerm_role_assignment" "reader" {
  scope                = azurerm_resource_group.group.id
  role_definition_name = "Reader"
  principal_id         = azurerm_user_assigned_identity.cluster.principal_id
}

output "cluster_uri" {
  value = azurerm_kusto_cluster.cluster.uri
}
