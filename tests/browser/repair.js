// By buttons alone: the management password of a target was changed outside, and nobody has a command line at hand.
'use strict';

const { api, assert, tell } = require('./walk.js');

tell(async (walk) => {
  await walk.signIn('sre', 'sre-password-1');
  const page = walk.page;
  await page.getByRole('link', { name: 'target pg' }).click();
  await page.getByRole('heading', { name: 'One by one' }).waitFor();
  await walk.everyShape('incident-of-a-target');
  const incident = page.url();

  await page.getByRole('link', { name: /^Tell the vault the password.*management credential of pg$/ }).click();
  await page.getByText('Nothing was done yet.').waitFor();
  await walk.everyShape('management-dry-run');
  await page.getByLabel('The password that the target accepts now').fill('told-to-the-sre');
  await page.getByRole('button', { name: 'Tell the vault the password' }).click();
  await page.getByText('It was done.').waitFor();
  assert.ok(!(await page.content()).includes('told-to-the-sre'), 'the password is on a page');

  // What was parked goes on by itself; what does not is pressed.
  for (let looks = 0; looks < 60; looks += 1) {
    await page.goto(incident);
    if ((await page.locator('#facts').getByText('closed', { exact: true }).count()) > 0) break;
    const parked = page.getByRole('link', { name: /^(Unpark|Retry now).*db\// }).first();
    if ((await parked.count()) > 0) {
      await parked.click();
      const press = page.locator('button.main');
      if ((await press.count()) > 0) await press.click();
    }
    await page.waitForTimeout(500);
  }
  await page.locator('#facts').getByText('closed', { exact: true }).waitFor();

  await page.getByLabel('The kind of cause').selectOption('changed_outside');
  await page.getByLabel('In words').fill('somebody changed it by hand');
  await page.getByLabel('Minutes of work').first().fill('15');
  await walk.everyShape('incident-review');
  await page.getByRole('button', { name: 'Review it' }).click();
  await page.getByText('Reviewed by').waitFor();

  // The server is stopped on purpose while the other one is looked into.
  await walk.open('/ui/');
  await page.getByRole('link', { name: 'db/drifted' }).click();
  await page.getByRole('link', { name: /^Mark the target in maintenance.*see what it would do/ }).click();
  await page.getByLabel('From now on for').fill('2h');
  await page.getByLabel('Why').fill('the disk is changed');
  await page.getByRole('button', { name: /see what it would do/ }).click();
  await page.getByText('not held: what a person asks for').waitFor();
  await walk.everyShape('maintenance-dry-run');
  assert.equal((await api('GET', 'targets/maintenance/pg')).status, 404, 'it began before it was declared');
  await page.getByRole('button', { name: 'Declare it' }).click();
  await page.getByText('The target is in maintenance until').waitFor();
  assert.equal((await api('GET', 'targets/maintenance/pg')).status, 200);
  await walk.everyShape('maintenance-declared');
});
