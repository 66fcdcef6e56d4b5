import { startBalanceMonitor, stopBalanceMonitor } from '../src/services/balance-monitor';

test('the monitor stops', () => {
  startBalanceMonitor(async () => undefined);
  expect(() => stopBalanceMonitor()).not.toThrow();
});
