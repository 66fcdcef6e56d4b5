import { readFileSync } from 'node:fs';
import type { Knex } from 'knex';

const passwordFile = process.env.DB_PASSWORD_FILE;
const caFile = process.env.DB_CA_FILE;

const config: Knex.Config = {
  client: 'pg',
  connection: {
    host: process.env.DB_HOST,
    port: Number(process.env.DB_PORT ?? 5432),
    database: process.env.DB_NAME,
    user: process.env.DB_USER,
    password: passwordFile ? readFileSync(passwordFile, 'utf8').trim() : undefined,
    ssl: caFile ? { ca: readFileSync(caFile, 'utf8'), rejectUnauthorized: true } : undefined,
  },
  pool: { min: 0, max: 5 },
  migrations: {
    tableName: 'knex_migrations_venue',
    directory: './migrations',
    loadExtensions: ['.js'],
  },
};

export default config;
