/** A place where events happen, as the services tell each other. */
export interface Venue {
  id: number;
  name: string;
  capacity: number | null;
}

export function isVenueName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 120;
}
