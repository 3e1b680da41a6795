// A page that stays open: what is new on it is added, what was typed or unfolded stays; a form that is refused has in it
// what was typed, beside the reason.
'use strict';

const { api, assert, tell } = require('./walk.js');

const incidentOf = async (subject) => (await api('GET', 'incidents?state=all')).body.data.incidents.find((one) => one.subject === subject).id;

tell(async (walk) => {
  const page = walk.page;
  await walk.signIn('sre', 'sre-password-1');
  const drifted = await incidentOf('db/drifted');
  await walk.open(`/ui/incident/${drifted}`);
  await page.evaluate(() => { window.isTheSame = true; });
  await page.getByRole('textbox', { name: /^Note/ }).fill('half a sen');
  await page.getByLabel('Who has it from now on').fill('mary');
  await page.getByRole('heading', { level: 1 }).click();
  // It goes from red to green beside that: the form of the review is new, and that of the owner is gone.
  assert.equal((await api('POST', `incidents/${drifted}/ack`, {})).status, 200);
  await page.getByRole('button', { name: 'Acknowledge' }).waitFor({ state: 'detached' });
  assert.equal(await page.getByRole('textbox', { name: /^Note/ }).inputValue(), 'half a sen', 'an update took what was typed');
  assert.equal(await page.getByLabel('Who has it from now on').inputValue(), 'mary');
  await page.getByLabel('Who has it from now on').fill('');
  await page.getByRole('heading', { level: 1 }).click();
  assert.equal((await api('POST', 'accounts/reconcile/db/drifted', {})).status, 200);
  await page.getByRole('heading', { name: 'Why it came about' }).waitFor();
  assert.equal(await page.getByRole('textbox', { name: /^Note/ }).inputValue(), 'half a sen', 'an update took what was typed');
  assert.equal(await page.getByLabel('Who has it from now on').count(), 0, 'nobody has what is closed');
  const order = await page.locator('main > section').evaluateAll((all) => all.map((one) => one.id));
  assert.ok(order.indexOf('actions') < order.indexOf('reviewing') && order.indexOf('reviewing') < order.indexOf('saying'), order.join());
  assert.ok(await page.evaluate(() => window.isTheSame === true), 'the page was loaded again');

  // Refused: the words are still there, with the reason, and what has to be mended has the keyboard.
  await page.getByLabel('The kind of cause').selectOption('network');
  await page.getByLabel('In words').fill('the switch');
  await page.getByLabel('Minutes of work').first().fill('99999999999999999999');
  await page.getByRole('button', { name: 'Review it' }).click();
  await page.getByRole('alert').getByText('Nothing was done').waitFor();
  const form = page.locator('form[action$="/review"]');
  assert.equal(await form.getByText('Nothing was done').count(), 1, 'the form does not say why');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'cause');
  assert.equal(await page.getByLabel('In words').inputValue(), 'the switch');
  assert.equal(await page.getByLabel('The kind of cause').inputValue(), 'network');
  await walk.everyShape('review-refused');
  // An update leaves it, too.
  await page.getByRole('heading', { level: 1 }).click();
  assert.equal((await api('POST', `incidents/${drifted}/note`, { text: 'from elsewhere' })).status, 200);
  await page.locator('#events').getByText('from elsewhere').waitFor();
  assert.equal(await page.getByLabel('In words').inputValue(), 'the switch', 'an update took what was refused');
  await page.getByLabel('Minutes of work').first().fill('5');
  await page.getByRole('button', { name: 'Review it' }).click();
  await page.getByText('Reviewed by').waitFor();

  // A part that was not there when the page was loaded, by its id; what is unfolded stays so by its own.
  await walk.open('/ui/');
  await page.evaluate(() => {
    document.getElementById('months').remove();
    const first = document.createElement('details');
    document.getElementById('aged').prepend(first);
    window.isTheSame = true;
  });
  await page.locator('#aged summary').click();
  assert.equal((await api('POST', 'accounts/verify/db/second', {})).status, 502);
  await page.getByRole('link', { name: 'db/second' }).waitFor();
  assert.equal(await page.locator('#months').count(), 1, 'what is new is not added');
  const parts = await page.locator('main > section').evaluateAll((all) => all.map((one) => one.id));
  assert.ok(parts.indexOf('report') + 1 === parts.indexOf('months'), parts.join());
  assert.ok(await page.locator('#aged details').evaluate((one) => one.open), 'what was unfolded is folded');
  assert.ok(await page.evaluate(() => window.isTheSame === true), 'the page was loaded again');

  // A silence of accounts: told, refused, made, ended.
  await page.getByRole('link', { name: 'db/second' }).click();
  await page.getByRole('link', { name: 'Silence it for a while: nobody is woken' }).click();
  assert.equal(await page.getByLabel('Which').inputValue(), 'db/second');
  await walk.everyShape('silences-none');
  await page.getByLabel('Which').fill('db/*');
  await page.getByLabel('For how long').fill('40d');
  await page.getByLabel('Why').fill('nightly restore');
  await page.getByRole('button', { name: 'Silence: see what it would do' }).click();
  await page.getByRole('alert').getByText('30 days at most').waitFor();
  assert.equal(await page.getByLabel('Why').inputValue(), 'nightly restore');
  await walk.everyShape('silence-refused');
  await page.getByLabel('For how long').fill('2h');
  await page.getByRole('button', { name: 'Silence: see what it would do' }).click();
  await page.getByText('Nothing was done yet.').waitFor();
  await page.getByText('covers 3 accounts that there are now').waitFor();
  await walk.everyShape('silence-dry-run');
  assert.deepEqual((await api('GET', 'silences')).body.data.silences, [], 'it was made before it was declared');
  await page.getByRole('button', { name: 'Declare it' }).click();
  await page.getByRole('button', { name: 'End now: silence of accounts db/*' }).waitFor();
  await walk.everyShape('silences-one');
  await walk.open('/ui/');
  await page.getByText(/^Silenced until .*nightly restore$/).first().waitFor();
  await walk.open('/ui/silences');
  await page.getByRole('button', { name: 'End now: silence of accounts db/*' }).click();
  await page.getByText('None is planned and none lasts.').waitFor();
});
