let timer: NodeJS.Timeout | undefined;

export function startBalanceMonitor(check: () => Promise<void>): void {
  timer = setInterval(() => void check(), 60_000);
}

export function stopBalanceMonitor(): void {
  clearInterval(timer);
}
