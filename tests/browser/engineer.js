// An engineer takes an account, has its password in the clipboard without seeing it, keeps it longer, and gives it back.
'use strict';

const { api, assert, tell } = require('./walk.js');

const SECRET = /[A-Za-z0-9_!#$%&*+.:;<=>?@^~-]{20,}/;

tell(async (walk) => {
  const page = walk.page;
  const requests = [];
  page.on('response', (answer) => requests.push(answer));
  await walk.signIn('engineer', 'engineer-password-1');
  await page.getByRole('link', { name: 'Check-outs' }).click();
  await page.getByRole('heading', { name: 'Check-outs', level: 1 }).waitFor();
  await page.getByText('Nobody has an account in hand.').waitFor();
  await walk.everyShape('checkouts-empty');
  await page.getByLabel('Account to check out').fill('db/app');
  await page.getByRole('button', { name: 'Go to it' }).click();
  await page.getByText('Nobody has it in hand.').waitFor();
  await walk.everyShape('checkout');
  await page.getByLabel('Why').fill('fix invoice 4711');
  await page.getByLabel('For how long').fill('30m');
  await page.getByRole('button', { name: 'Check out and copy the password' }).click();
  await page.getByText('you (userpass-engineer)').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, SECRET);
  const stored = (await api('GET', 'accounts/creds/db/app')).body.data.password;
  assert.equal(copied, stored, 'what was copied is not the password');
  assert.ok(!(await page.content()).includes(copied), 'the page shows the password that was only to be copied');
  await walk.everyShape('checkout-own');

  // Copied again, on its own press.
  await page.evaluate(() => navigator.clipboard.writeText('something else'));
  await page.getByRole('button', { name: 'Copy the password', exact: true }).click();
  await page.waitForFunction(async (want) => (await navigator.clipboard.readText()) === want, copied);
  assert.ok(!(await page.content()).includes(copied), 'the page shows the password that was only to be copied');

  await page.getByRole('button', { name: 'Show the password', exact: true }).click();
  await page.getByText(copied, { exact: true }).waitFor();
  const shown = requests.filter((answer) => answer.request().resourceType() === 'document').pop();
  assert.match(shown.headers()['cache-control'] || '', /no-store/);
  await walk.accessible('password');
  await page.getByRole('link', { name: 'Put it away' }).click();

  await page.getByLabel('Keep it from now on for').fill('45m');
  await page.getByRole('button', { name: 'Extend' }).click();
  await page.getByText('you (userpass-engineer)').waitFor();
  await page.getByRole('link', { name: 'Check-outs' }).first().click();
  await page.getByText('fix invoice 4711').waitFor();
  await walk.everyShape('checkouts-one');
  await page.getByRole('link', { name: 'db/app' }).click();
  await page.getByRole('button', { name: 'Check in' }).click();
  await page.getByRole('heading', { name: 'db/app is checked in' }).waitFor();
  await walk.accessible('checked in');
  const now = (await api('GET', 'accounts/creds/db/app')).body.data.password;
  assert.notEqual(now, copied, 'the password that was handed out is still the one that is served');

  // What an engineer may not read is not shown.
  await walk.open('/ui/');
  assert.ok((await page.getByText('Your token may not read this.').count()) >= 1);
  for (const place of ['/ui/reports', '/ui/audit']) {
    await walk.open(place);
    await page.getByText(/may not/).first().waitFor();
  }
});
