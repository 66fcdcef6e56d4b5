import Redis from 'ioredis';

let client: Redis | undefined;

export const Cache = {
  async open(): Promise<void> {
    client = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379');
    await client.ping();
  },
  async close(): Promise<void> {
    await client?.quit();
  },
};
