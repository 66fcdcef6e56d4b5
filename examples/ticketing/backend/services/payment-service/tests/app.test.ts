import { buildApp } from '../src/app';

test('the service says that it is alive', async () => {
  const app = await buildApp();
  const answer = await app.inject('/health');
  expect(answer.statusCode).toBe(200);
  await app.close();
});
