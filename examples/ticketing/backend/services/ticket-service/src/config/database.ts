import { Pool } from 'pg';

// No module imports this one: its handler never runs.
export const pool = new Pool({ connectionString: process.env.DATABASE_URL });

process.on('SIGTERM', () => {
  void pool.end();
});
