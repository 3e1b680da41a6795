// Everything by the keyboard alone, and everything without scripts.
'use strict';

const { address, assert, tell } = require('./walk.js');

// Presses Tab until what has the keyboard is called so.
async function tabTo(page, name, most = 60) {
  for (let presses = 0; presses < most; presses += 1) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const at = document.activeElement;
      const label = at.labels && at.labels.length > 0 ? at.labels[0].textContent : '';
      const style = getComputedStyle(at);
      return { text: (at.textContent || '').trim(), label: label.trim(), outline: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 };
    });
    if (focus.text === name || focus.label === name) {
      assert.ok(focus.outline, `it is not seen that ${name} has the keyboard`);
      return;
    }
  }
  assert.fail(`the keyboard does not come to ${name}`);
}

tell(async (walk) => {
  const page = walk.page;
  await walk.open('/ui/');
  await tabTo(page, 'Username');
  await page.keyboard.type('sre');
  await tabTo(page, 'Password');
  await page.keyboard.type('sre-password-1');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await tabTo(page, 'db/drifted');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'db/drifted', level: 1 }).waitFor();
  await tabTo(page, 'Acknowledge');
  await page.keyboard.press('Enter');
  await page.getByText('acknowledged').first().waitFor();

  // The same without scripts.
  const plain = await walk.newContext({ javaScriptEnabled: false, storageState: await walk.context.storageState() });
  const still = await plain.newPage();
  await still.goto(address + '/ui/');
  await still.getByRole('link', { name: 'db/drifted' }).click();
  await still.getByRole('link', { name: /^Reconcile.*see what it would do/ }).click();
  await still.getByRole('button', { name: 'Reconcile' }).click();
  await still.getByText('It was done.').waitFor();
  await plain.close();
});
