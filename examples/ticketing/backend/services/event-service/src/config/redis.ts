import Redis from 'ioredis';
import { createLogger } from '@boxoffice/shared';

const log = createLogger('event-service');
let client: Redis | undefined;

export function redis(): Redis {
  client ??= new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');
  return client;
}

export async function closeRedis(): Promise<void> {
  await client?.quit();
  log.info('redis closed');
}
