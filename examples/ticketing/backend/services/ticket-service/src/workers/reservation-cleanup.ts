import { Pool } from 'pg';

/** Releases reservations that nobody paid for, over a pool of its own. */
export class ReservationCleanup {
  private readonly pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
  private timer: NodeJS.Timeout | undefined;

  start(everyMs: number): void {
    this.timer = setInterval(() => void this.run(), everyMs);
  }

  /** Stops the timer; the pool stays open. */
  stop(): void {
    clearInterval(this.timer);
  }

  private async run(): Promise<void> {
    await this.pool.query("delete from reservations where created_at < now() - interval '15 minutes'");
  }
}
