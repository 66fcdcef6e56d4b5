import type { Knex } from 'knex';
import { buildApp } from '../src/app';

const answering = { raw: async () => undefined } as unknown as Knex;
const silent = {
  raw: async () => {
    throw new Error('no database');
  },
} as unknown as Knex;

test('alive without a database, ready only with one', async () => {
  const without = await buildApp(silent);
  expect((await without.inject('/health')).statusCode).toBe(200);
  expect((await without.inject('/health/ready')).statusCode).toBe(503);
  await without.close();

  const app = await buildApp(answering);
  expect((await app.inject('/health/ready')).statusCode).toBe(200);
  await app.close();
});

test('a venue needs a name', async () => {
  const app = await buildApp(answering);
  const answer = await app.inject({ method: 'POST', url: '/api/v1/venues', payload: { name: '' } });
  expect(answer.statusCode).toBe(400);
  await app.close();
});
