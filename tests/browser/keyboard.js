// An SRE's day by the keyboard alone, and everything without scripts.
'use strict';

const { address, api, assert, tell } = require('./walk.js');

tell(async (walk) => {
  const page = walk.page;
  await walk.open('/ui/');
  await walk.everyStop('sign-in');
  await walk.type('Username', 'sre');
  await walk.type('Password', 'sre-password-1');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal((await walk.stop()).name, 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');

  // What is new on the page leaves the keyboard where it is, and what was unfolded open.
  await walk.everyStop('overview');
  const table = page.locator('#aged details');
  await page.locator('.skip').focus();
  await walk.press('The same as a table');
  assert.equal((await api('POST', 'accounts/verify/db/second', {})).status, 502);
  await page.getByRole('link', { name: 'db/second' }).waitFor();
  assert.equal((await walk.stop()).name, 'The same as a table', 'an update took the keyboard away');
  assert.ok(await table.evaluate((one) => one.open), 'an update folded what was unfolded');
  await page.locator('.skip').focus();
  await walk.tabTo('db/drifted');
  const before = await page.locator('#fresh').textContent();
  const second = (await api('GET', 'incidents')).body.data.incidents.find((one) => one.subject === 'db/second');
  assert.equal((await api('POST', `incidents/${second.id}/ack`, {})).status, 200);
  await page.getByText('1 of 2 not acknowledged').waitFor();
  const kept = await walk.stop();
  assert.ok(kept.name === 'db/drifted' && kept.isSeen, `an update took the keyboard from db/drifted to ${kept.name}`);
  assert.notEqual(await page.locator('#fresh').textContent(), before, 'the time above is of another page');

  // Taken, looked at, done, reviewed.
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'db/drifted', level: 1 }).waitFor();
  await walk.everyStop('incident');
  await page.locator('.skip').focus();
  await walk.press('Acknowledge');
  await page.getByText('acknowledged').first().waitFor();
  await walk.press('Reconcile: see what it would do');
  await page.getByText('Nothing was done yet.').waitFor();
  await walk.everyStop('dry run');
  await page.locator('.skip').focus();
  await walk.press('Reconcile');
  await page.getByText('It was done.').waitFor();
  await walk.press('Back to the incident');
  await page.getByRole('heading', { name: 'Why it came about' }).waitFor();
  await walk.type('The kind of cause', 'somebody');
  await walk.type('In words', 'changed by hand');
  await walk.type('Minutes of work', '15');
  await walk.press('Review it');
  await page.getByText('Reviewed by').waitFor();
  const reviewed = (await api('GET', 'incidents?state=closed')).body.data.incidents.find((one) => one.subject === 'db/drifted');
  const told = (await api('GET', `incidents/${reviewed.id}`)).body.data;
  assert.deepEqual([told.review.cause, told.review.text, told.staff_minutes], ['changed_outside', 'changed by hand', 15]);

  // Each plot's figures.
  await walk.press('Reports');
  await page.getByRole('heading', { name: 'Reports', level: 1 }).waitFor();
  await walk.everyStop('reports');
  const folds = page.locator('details');
  const many = await folds.count();
  assert.ok(many >= 5, `${many} tables`);
  await page.locator('.skip').focus();
  for (let place = 0; place < many; place += 1) {
    await walk.press('The same as a table');
    assert.ok(await folds.nth(place).evaluate((one) => one.open && one.textContent.trim().length > 30), `table ${place} is not opened`);
  }

  // Found among others.
  await page.locator('.skip').focus();
  await walk.press('Accounts');
  await page.getByRole('heading', { name: 'Accounts', level: 1 }).waitFor();
  await walk.everyStop('accounts');
  await page.locator('.skip').focus();
  await walk.type('Path, target or username', 'drift');
  await walk.type('State', 'idle');
  await walk.press('Show');
  await page.getByText('1 to 1 of 1').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('state'), 'idle');
  for (const place of ['/ui/checkouts', '/ui/targets', '/ui/targets/pg', '/ui/silences', '/ui/audit']) {
    await walk.open(place);
    await walk.everyStop(place);
  }

  // The same without scripts.
  const plain = await walk.newContext({ javaScriptEnabled: false, storageState: await walk.context.storageState() });
  const still = await plain.newPage();
  await still.goto(address + '/ui/');
  await still.getByRole('link', { name: 'db/second' }).click();
  await still.getByRole('link', { name: /^Reconcile.*see what it would do/ }).click();
  await still.getByRole('button', { name: 'Reconcile' }).click();
  await still.getByText('It was done.').waitFor();
  await plain.close();
});
