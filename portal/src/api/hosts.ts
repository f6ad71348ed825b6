export const armHost = 'management.azure.com';
