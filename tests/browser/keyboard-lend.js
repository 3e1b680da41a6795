// By the keyboard alone: taken, copied, kept longer, given back.
'use strict';

const { api, assert, tell } = require('./walk.js');

tell(async (walk) => {
  const page = walk.page;
  await walk.open('/ui/');
  await walk.type('Username', 'engineer');
  await walk.type('Password', 'engineer-password-1');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await walk.press('Check-outs');
  await page.getByRole('heading', { name: 'Check-outs', level: 1 }).waitFor();
  await walk.type('Account to check out', 'db/app');
  await page.keyboard.press('Enter');
  await page.getByText('Nobody has it in hand.').waitFor();
  await walk.everyStop('checkout');

  await page.locator('.skip').focus();
  await walk.type('Why', 'fix invoice 4711');
  await walk.type('For how long', '30m');
  await walk.press('Check out and copy the password');
  await page.getByText('you (userpass-engineer)').waitFor();
  await page.getByText('The password is in the clipboard.').waitFor();
  const stored = (await api('GET', 'accounts/creds/db/app')).body.data.password;
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), stored);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main', 'the keyboard is left nowhere');

  await page.evaluate(() => navigator.clipboard.writeText('something else'));
  await walk.tabTo('Copy the password');
  await page.keyboard.press('Space');
  await page.waitForFunction(async (want) => (await navigator.clipboard.readText()) === want, stored);
  await page.waitForFunction(() => document.activeElement.id === 'main');
  await walk.everyStop('checkout-own');

  const until = page.locator('#lent time').last();
  const before = await until.textContent();
  await page.locator('.skip').focus();
  await walk.type('Keep it from now on for', '45m');
  await walk.press('Extend');
  await page.waitForFunction((was) => [...document.querySelectorAll('#lent time')].at(-1).textContent !== was, before);
  await walk.press('Check in');
  await page.getByRole('heading', { name: 'db/app is checked in' }).waitFor();
  assert.notEqual((await api('GET', 'accounts/creds/db/app')).body.data.password, stored);
  await walk.press('Back to the account');
  await page.getByText('Nobody has it in hand.').waitFor();
});
