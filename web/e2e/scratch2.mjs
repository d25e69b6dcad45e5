import { chromium } from 'playwright-core';
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
for (let i = 0; i < 3; i++) {
  const c = await b.newContext({ viewport: { width: 1440, height: 900 } });
  const p = await c.newPage();
  await p.addInitScript(() => {
    const o = new MutationObserver(() => { if (document.querySelectorAll('[role=row]').length > 1) { window.__row = performance.now(); o.disconnect(); } });
    o.observe(document, { subtree: true, childList: true });
  });
  const t = performance.now();
  await p.goto('http://127.0.0.1:18080/fleet/robots');
  await p.getByRole('row').nth(1).waitFor();
  const total = performance.now() - t;
  const r = await p.evaluate(() => ({ row: Math.round(window.__row), nav: Math.round(performance.getEntriesByType('navigation')[0].responseEnd), fcp: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0), res: performance.getEntriesByType('resource').map((e) => `${e.name.replace(/.*\//, '').slice(0, 30)} ${Math.round(e.startTime)}-${Math.round(e.responseEnd)}`) }));
  console.log(Math.round(total), JSON.stringify(r, null, i === 2 ? 1 : 0));
  await c.close();
}
await b.close();
