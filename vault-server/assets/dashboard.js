// Keeps a page up to date, and puts passwords into the clipboard. Everything else works without it.
//
// Every ten seconds, or once the server says that something has changed, the page's own address is read again, and the parts that are marked `data-live` are put in place
// of the old ones. It rests while nobody looks, and while somebody types. Answers are parsed, never run.
'use strict';
(() => {
  const period = 10000;
  const wholeEvery = 55000;
  const from = document.body.dataset.refresh;
  let isAsking = false;
  let isOver = false;
  // Whether another page than the one that was loaded stands in its place.
  let isOther = false;
  let wholeAt = performance.now();

  const isTyping = () => {
    const at = document.activeElement;
    return at !== null && at.closest('form') !== null;
  };

  const tell = (text) => {
    const news = document.getElementById('news');
    if (news && news.textContent !== text) news.textContent = text;
  };

  const folds = (part) => [...part.querySelectorAll('details')];

  // The link that had the keyboard keeps it, and so does what unfolds a table. A part in which something else has it
  // stays as it is. What was unfolded stays unfolded.
  const put = (old, fresh) => {
    const at = document.activeElement;
    const isInside = at !== null && old.contains(at);
    const address = isInside ? at.getAttribute('href') : null;
    const foldAt = isInside && at.tagName === 'SUMMARY' ? folds(old).indexOf(at.parentElement) : -1;
    if (isInside && address === null && foldAt < 0) return false;
    const unfolded = folds(old).map((one) => one.open);
    folds(fresh).forEach((one, place) => { one.open = unfolded[place] === true; });
    old.replaceWith(fresh);
    const fold = folds(fresh)[foldAt];
    if (fold) fold.querySelector('summary').focus({ preventScroll: true });
    if (address === null) return true;
    for (const link of fresh.querySelectorAll('a')) {
      if (link.getAttribute('href') === address) {
        link.focus({ preventScroll: true });
        break;
      }
    }
    return true;
  };

  const putMain = (page) => {
    const [old, fresh] = [document.getElementById('main'), page.getElementById('main')];
    if (old && fresh) old.replaceChildren(...document.importNode(fresh, true).childNodes);
    offerCopies();
  };

  const counted = () => {
    const count = document.querySelector('#incidents .count');
    return count ? count.textContent : null;
  };

  const putParts = (page) => {
    let isWhole = true;
    const before = counted();
    for (const old of document.querySelectorAll('[data-live]')) {
      const fresh = page.getElementById(old.id);
      if (fresh && old.id !== 'fresh') isWhole = put(old, document.importNode(fresh, true)) && isWhole;
    }
    // The time above holds for all of them, or is not told.
    const [old, fresh] = [document.getElementById('fresh'), page.getElementById('fresh')];
    if (isWhole && old && fresh) put(old, document.importNode(fresh, true));
    // What is put in place is not read aloud; that there are more or fewer is.
    const now = counted();
    if (now !== null && now !== before) say('Open incidents: ' + now + '.');
  };

  const read = (address) => fetch(address, { credentials: 'same-origin', cache: 'no-store', redirect: 'error' });
  const parsed = async (answer) => new DOMParser().parseFromString(await answer.text(), 'text/html');

  const refresh = async () => {
    if (isAsking || isOver || document.hidden || isTyping()) return;
    isAsking = true;
    try {
      const isWhole = isOther || performance.now() - wholeAt >= wholeEvery;
      if (isWhole) wholeAt = performance.now();
      const answer = await read(isWhole ? from + '&whole=1' : from);
      if (answer.status === 401) {
        isOver = true;
        document.body.classList.add('stale');
        tell('Your session is over: what you see is not up to date. Load the page again to sign in.');
        return;
      }
      if (answer.status === 503) {
        tell('The vault is sealed, or not ready: what you see is not up to date. It is tried again.');
        return;
      }
      const isGone = answer.status === 403 || answer.status === 404;
      if (!answer.ok && !isGone) {
        tell('The page could not be read (' + answer.status + '): what you see is not up to date. It is tried again.');
        return;
      }
      const page = await parsed(answer);
      // Somebody may have begun to type meanwhile.
      if (isTyping()) return;
      if (isGone || isOther) putMain(page);
      else putParts(page);
      isOther = isGone;
      tell('');
    } catch {
      tell('The vault does not answer: what you see is not up to date. It is tried again.');
    } finally {
      isAsking = false;
    }
  };

  // A password that the clipboard did not take yet: it was told once, and is not lost for that.
  let kept = null;
  let isCopying = false;

  const say = (text) => {
    const said = document.getElementById('said');
    if (said) said.textContent = text;
  };

  const fetched = async (form) => {
    const body = new URLSearchParams(new FormData(form));
    body.set('then', 'copy');
    const answer = await fetch(form.action, { method: 'POST', body, credentials: 'same-origin', cache: 'no-store', redirect: 'error' });
    const isPlain = (answer.headers.get('content-type') || '').startsWith('application/json');
    if (!isPlain) throw new Error(answer.status === 401 ? 'Your session is over. Load the page again to sign in.' : 'It could not be read (' + answer.status + ').');
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return told.password;
  };

  const copy = async (button) => {
    const form = button.form;
    if (isCopying || !form.reportValidity()) return;
    isCopying = true;
    button.setAttribute('aria-busy', 'true');
    try {
      if (kept === null) kept = await fetched(form);
    } catch (error) {
      say(error instanceof TypeError ? 'The vault does not answer. Look who has the account before you repeat it.' : error.message);
      isCopying = false;
      button.removeAttribute('aria-busy');
      return;
    }
    try {
      await navigator.clipboard.writeText(kept);
      kept = null;
      const answer = await read(form.dataset.page);
      if (answer.ok) putMain(await parsed(answer));
      say('The password is in the clipboard. It stays there until you copy something else.');
      document.getElementById('main').focus({ preventScroll: true });
    } catch {
      say(kept === null ? 'The password is in the clipboard.' : 'The browser did not let the page write to the clipboard. Press once more.');
    } finally {
      isCopying = false;
      button.removeAttribute('aria-busy');
    }
  };

  // Only where the browser has a clipboard, and the script is there to use it.
  const offerCopies = () => {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll('[data-copy]')) {
      button.hidden = false;
      button.disabled = false;
    }
  };

  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-copy]') : null;
    if (!button) return;
    event.preventDefault();
    copy(button);
  });
  offerCopies();

  if (!from || !document.getElementById('news')) return;

  // Told of changes, the page asks when there is one, but not more often than every three seconds, and once a minute.
  const restFor = 3000;
  const quietEvery = 60000;
  let source = null;
  let isTold = false;
  let isDue = false;
  let lastAt = 0;

  const turn = () => {
    const rested = performance.now() - lastAt;
    const wait = isDue ? restFor : isTold ? quietEvery : period;
    // What somebody types, or does not look at, keeps the change waiting.
    if (rested < wait || document.hidden || isTyping() || isAsking) return;
    lastAt = performance.now();
    isDue = false;
    refresh();
  };

  const close = () => {
    if (source) source.close();
    source = null;
    isTold = false;
  };

  const listen = () => {
    if (document.hidden || isOver) return close();
    if (source || !window.EventSource) return;
    source = new EventSource('/ui/events');
    source.addEventListener('open', () => { isTold = true; });
    source.addEventListener('changed', () => { isDue = true; });
    source.addEventListener('end', () => { isDue = true; close(); });
    source.addEventListener('error', () => { isTold = false; if (source && source.readyState === EventSource.CLOSED) close(); });
  };

  lastAt = performance.now();
  setInterval(turn, 1000);
  // One that was refused, or has ended, is asked for again.
  setInterval(listen, quietEvery);
  document.addEventListener('visibilitychange', () => { isDue = !document.hidden; listen(); turn(); });
  window.addEventListener('pagehide', close);
  listen();
})();
