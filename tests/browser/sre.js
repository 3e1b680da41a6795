// An SRE sees what is broken, takes it, sees what a press would do, presses it, and sees it go from red to green on a page
// that is not loaded again.
'use strict';

const { api, assert, tell } = require('./walk.js');

tell(async (walk) => {
  await walk.signIn('sre', 'sre-password-1');
  const page = walk.page;
  const broken = page.getByRole('region', { name: /Open incidents/ });
  await broken.getByText('db/drifted').waitFor();
  await walk.everyShape('overview-red');

  // The first screen stays open beside what is done.
  const overview = await walk.context.newPage();
  await overview.goto(page.url());
  await overview.evaluate(() => { window.isTheSame = true; });
  await overview.getByRole('link', { name: 'db/drifted' }).waitFor();
  for (const name of ['How many rotations succeed', 'How old credentials are', 'Audit trail']) {
    await overview.getByRole('heading', { name, level: 2 }).waitFor();
  }
  await overview.getByText('The same as a table').click();

  await broken.getByRole('link', { name: 'db/drifted' }).click();
  await page.getByRole('heading', { name: 'db/drifted', level: 1 }).waitFor();
  await page.getByText('drift', { exact: true }).first().waitFor();
  await walk.everyShape('incident-open');
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByText('acknowledged', { exact: false }).first().waitFor();
  await page.getByLabel('Note').fill('somebody changed it by hand');
  await page.getByLabel('Minutes of work').fill('5');
  await page.getByRole('button', { name: 'Write it down' }).click();
  await page.getByText('somebody changed it by hand').waitFor();

  await page.getByRole('link', { name: /^Reconcile.*see what it would do/ }).click();
  await page.getByText('Nothing was done yet.').waitFor();
  await walk.everyShape('incident-dry-run');
  await page.getByRole('button', { name: 'Reconcile' }).click();
  await page.getByText('It was done.').waitFor();
  await walk.shot('incident-acted');
  await page.getByRole('link', { name: 'Back to the incident' }).click();
  await page.getByText('closed', { exact: true }).first().waitFor();
  await walk.everyShape('incident-closed');

  // Green, and still the page that was red.
  await overview.bringToFront();
  await overview.getByText('Nothing is broken').waitFor({ timeout: 30000 });
  assert.ok(await overview.evaluate(() => window.isTheSame === true), 'the overview was loaded again');
  assert.equal(await overview.locator('#aged details[open]').count(), 1, 'what was unfolded is folded');
  walk.page = overview;
  await walk.shot('overview-green');

  // And back to red without a load: it breaks anew.
  const broke = await api('POST', 'accounts/verify/db/second', {});
  assert.equal(broke.status, 502);
  await overview.getByRole('link', { name: 'db/second' }).waitFor({ timeout: 30000 });
  assert.ok(await overview.evaluate(() => window.isTheSame === true), 'the overview was loaded again');

  await walk.open('/ui/accounts');
  await walk.everyShape('accounts');
  await overview.getByLabel('Path, target or username').fill('second');
  await overview.getByLabel('State').selectOption('failing');
  await overview.getByRole('button', { name: 'Show' }).click();
  await overview.getByText('1 to 1 of 1').waitFor();

  // Each plot has its figures in a table behind it.
  await walk.open('/ui/reports');
  assert.ok((await walk.plots('reports')) >= 6, 'there are plots missing');
  await walk.everyShape('reports');
  for (const link of await overview.locator('a[download]').all()) {
    const file = await overview.request.get(new URL(await link.getAttribute('href'), overview.url()).href);
    assert.ok(file.ok() && (await file.text()).length > 0, await link.getAttribute('href'));
  }
  await overview.getByLabel('About').selectOption({ index: 1 });
  await overview.getByRole('button', { name: 'Show' }).click();
  await overview.getByRole('heading', { name: 'Reports', level: 1 }).waitFor();

  await walk.open('/ui/targets');
  await walk.everyShape('targets');
  await overview.getByRole('link', { name: 'pg', exact: true }).click();
  await overview.getByRole('heading', { name: 'pg', level: 1 }).waitFor();
  await walk.everyShape('target');

  const hook = { url: 'http://127.0.0.1:9/path', events: 'incident.opened', timeout: '1s' };
  assert.equal((await api('POST', 'sys/webhooks/chat', hook)).status, 200);
  await walk.open('/ui/notifications');
  await overview.getByText('1 to 1 of 1').waitFor();
  await walk.everyShape('notifications');
  await overview.getByRole('link', { name: 'chat' }).click();
  await overview.getByRole('button', { name: 'Test' }).click();
  await overview.getByText('The receiver did not take the test message').waitFor();
  await walk.everyShape('notification');
  await walk.open('/ui/nowhere');
  await walk.everyShape('nothing-here');

  await walk.open('/ui/audit');
  await overview.getByLabel('Account, or path').fill('db/drifted');
  await overview.getByRole('button', { name: 'Search' }).click();
  await overview.getByText('accounts/verify/db/drifted').first().waitFor();
  await walk.everyShape('audit');
});
