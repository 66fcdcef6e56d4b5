import knex, { Knex } from 'knex';

let db: Knex | undefined;

export async function openDatabase(): Promise<Knex> {
  db = knex({
    client: 'pg',
    connection: {
      host: process.env.DB_HOST,
      port: Number(process.env.DB_PORT ?? 6432),
      database: process.env.DB_NAME,
      user: process.env.DB_USER,
      password: process.env.DB_PASSWORD,
    },
  });
  await db.raw('select 1');
  return db;
}

export function database(): Knex {
  if (!db) {
    throw new Error('the database is not open');
  }
  return db;
}
