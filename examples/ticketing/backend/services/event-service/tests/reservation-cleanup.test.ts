import type { Knex } from 'knex';
import { ReservationCleanup } from '../src/services/reservation-cleanup';

test('stopping twice does no harm', () => {
  const cleanup = new ReservationCleanup((() => undefined) as unknown as Knex);
  cleanup.start();
  cleanup.stop();
  expect(() => cleanup.stop()).not.toThrow();
});
