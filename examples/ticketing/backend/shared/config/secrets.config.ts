export const COMMON_SECRETS = ['DB_USER', 'DB_PASSWORD'] as const;
