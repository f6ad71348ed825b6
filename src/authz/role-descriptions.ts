/** What is said of the roles that Kustody itself works with, by id; of the others nothing. */
export const roleDescriptions: Readonly<Record<string, string>> = {
  '8e3af657-a8ff-443c-a75c-2fe8c4bcb635':
    'Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.', // Owner
  'b24988ac-6180-42a0-ab88-20f7382dd24c':
    'Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC.', // Contributor
  'acdd72a7-3385-48ef-bd42-f606fba81ae7': 'View all resources, but does not allow you to make any changes.', // Reader
  '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9': 'Lets you manage user access to Azure resources.', // User Access Administrator
  'f1a07417-d97a-45cb-824c-7a7467783830': 'Read and Assign User Assigned Identity', // Managed Identity Operator
  'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59': 'Create, Read, Update, and Delete User Assigned Identity', // Managed Identity Contributor
  '00482a5a-887f-4fb3-b363-3b7fe8e74483':
    'Perform all data plane operations on a key vault and all objects in it, including certificates, keys, and secrets.', // Key Vault Administrator
  '14b46e9e-c2b7-41b4-b07b-48a6ebf60603': 'Perform any action on the keys of a key vault, except manage permissions.', // Key Vault Crypto Officer
  '12338af0-0e69-4776-bea7-57ae8d297424': 'Perform cryptographic operations using keys.', // Key Vault Crypto User
  'e147488a-f6f5-4113-8e2d-b22465e65bf6': 'Read metadata of keys and perform wrap/unwrap operations.', // Key Vault Crypto Service Encryption User
  '08bbd89e-9f13-488c-ac41-acfcb10c90ab': 'Release keys.', // Key Vault Crypto Service Release User
  '21090545-7ca7-4776-b22c-e363652d74d2': 'Read metadata of key vaults and its certificates, keys, and secrets.', // Key Vault Reader
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7':
    'Perform any action on the secrets of a key vault, except manage permissions.', // Key Vault Secrets Officer
  '4633458b-17de-408a-b874-0445c86b69e6': 'Read secret contents.', // Key Vault Secrets User
  'a4417e6f-fecd-4de8-b567-7b0420556985':
    'Perform any action on the certificates of a key vault, except manage permissions.', // Key Vault Certificates Officer
  'db79e9a7-68ee-4b58-9aeb-b90e7c24fcba': 'Read certificate contents.', // Key Vault Certificate User
  'f25e0fa2-a7c8-4377-a976-54943a77a395': 'Lets you manage key vaults, but not access to them.', // Key Vault Contributor
  'a68e7c17-0ab2-4c09-9a58-125dae29748c': 'Allows permanent deletion of soft-deleted vaults.', // Key Vault Purge Operator
};
