import knex, { Knex } from 'knex';
import { loadSecrets } from '../config/secrets';

let db: Knex | undefined;

export const Database = {
  async open(): Promise<void> {
    const secrets = loadSecrets();
    db = knex({
      client: 'pg',
      connection: {
        host: process.env.DB_HOST,
        port: Number(process.env.DB_PORT ?? 6432),
        database: process.env.DB_NAME,
        user: secrets.DB_USER,
        password: secrets.DB_PASSWORD,
      },
    });
    await db.raw('select 1');
  },
  get(): Knex {
    if (!db) {
      throw new Error('the database is not open');
    }
    return db;
  },
  async close(): Promise<void> {
    await db?.destroy();
  },
};
