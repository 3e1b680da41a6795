// Keeps a page up to date, and puts passwords into the clipboard. Everything else works without it.
//
// Every ten seconds, or once the server says that something has changed, the page's own address is read again, and the parts
// that are marked `data-live` are put in place of the old ones, by their ids; new ones are added, and those that are over go.
// It rests while nobody looks, and while somebody types. Answers are parsed, never run.
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

  // Nothing is put in place under a finger that is down, nor while a form has the keyboard; what is around the parts,
  // such as signing out, stays in any case.
  let isPressed = false;
  document.addEventListener('pointerdown', (event) => { isPressed = event.button === 0; });
  window.addEventListener('blur', () => { isPressed = false; });
  for (const name of ['pointerup', 'pointercancel', 'contextmenu', 'dragend']) document.addEventListener(name, () => { isPressed = false; });
  const isTyping = () => {
    const at = document.activeElement;
    return isPressed || (at !== null && at.closest('main form') !== null);
  };

  const tell = (text) => {
    const news = document.getElementById('news');
    if (news && news.textContent !== text) news.textContent = text;
  };

  const all = (part, what) => [...part.querySelectorAll(what)];
  const byFold = (part) => new Map(all(part, 'details[data-fold]').map((one) => [one.dataset.fold, one]));
  const fields = (form) => all(form, 'input:not([type="hidden"]), select, textarea').filter((field) => field.name !== '');

  // What somebody has put into a field and not sent.
  const isTouched = (field) => {
    if (field.type === 'checkbox' || field.type === 'radio') return field.checked !== field.defaultChecked;
    if (field.tagName !== 'SELECT') return field.value !== field.defaultValue;
    const first = [...field.options].findIndex((one) => one.defaultSelected);
    return field.selectedIndex !== Math.max(first, 0);
  };
  // Of a form that was refused the page itself holds what was typed.
  const typed = (form) => fields(form).filter((field) => 'typed' in form.dataset || isTouched(field));
  const touched = (part) => all(part, 'form').filter((form) => typed(form).length > 0);

  // What was typed goes into the same form of the new part; where that is gone the old part has to stay.
  const carry = (old, fresh) => {
    const forms = touched(old).map((form) => [form, all(fresh, 'form').find((other) => other.getAttribute('action') === form.getAttribute('action'))]);
    if (forms.some(([, other]) => other === undefined)) return false;
    for (const [form, other] of forms) {
      if ('typed' in form.dataset) other.dataset.typed = '';
      for (const field of typed(form)) {
        const at = fields(other).find((one) => one.name === field.name && one.type === field.type);
        // A tick that is asked for says yes to what stands beside it, which may be another thing by now.
        if (!at || field.required && field.type === 'checkbox') continue;
        if (field.type === 'checkbox' || field.type === 'radio') at.checked = field.checked;
        else at.value = field.value;
      }
    }
    return true;
  };

  // Finds in a new part what has the keyboard in the old one: a link, what unfolds a table, or what scrolls.
  const finder = (old) => {
    const at = document.activeElement;
    if (at === null || !old.contains(at)) return () => null;
    if (at.tagName === 'SUMMARY' && at.parentElement.dataset.fold) {
      return (fresh) => { const fold = byFold(fresh).get(at.parentElement.dataset.fold); return fold ? fold.querySelector('summary') : fresh; };
    }
    const href = at.getAttribute('href');
    const those = (part) => (href === null ? all(part, '[tabindex]') : all(part, 'a').filter((one) => one.getAttribute('href') === href));
    const place = those(old).indexOf(at);
    // Whoever stood on what is gone goes on from where it was.
    return (fresh) => those(fresh)[place] || (href !== null && those(fresh)[0]) || fresh;
  };

  const isMarked = (part) => {
    const marked = document.getSelection();
    return marked !== null && !marked.isCollapsed && part.contains(marked.anchorNode);
  };

  // What was unfolded, typed, or had the keyboard stays so, and what was scrolled. A part of which something is marked
  // stays as it is.
  const put = (old, fresh) => {
    if (isMarked(old) || !carry(old, fresh)) return false;
    const folds = byFold(old);
    for (const [name, fold] of byFold(fresh)) fold.open = folds.has(name) && folds.get(name).open;
    const wide = all(old, '.wide').map((one) => one.scrollLeft);
    const find = finder(old);
    old.replaceWith(fresh);
    all(fresh, '.wide').forEach((one, place) => { one.scrollLeft = wide[place] || 0; });
    const at = find(fresh);
    if (at === fresh) fresh.tabIndex = -1;
    if (at) at.focus({ preventScroll: true });
    return true;
  };

  const putMain = (page) => {
    const [old, fresh] = [document.getElementById('main'), page.getElementById('main')];
    if (old && fresh) old.replaceChildren(...document.importNode(fresh, true).childNodes);
    offerCopies();
  };

  // Behind the part that is before it in the new page.
  const add = (fresh) => {
    let before = fresh.previousElementSibling;
    while (before && !(before.id && document.getElementById(before.id))) before = before.previousElementSibling;
    const at = before && document.getElementById(before.id);
    if (at) at.after(document.importNode(fresh, true));
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
      if (old.id === 'fresh') continue;
      if (fresh) isWhole = put(old, document.importNode(fresh, true)) && isWhole;
      else if (touched(old).length === 0 && !old.contains(document.activeElement) && !isMarked(old)) old.remove();
      else isWhole = false;
    }
    for (const fresh of page.querySelectorAll('[data-live]')) {
      if (!document.getElementById(fresh.id)) add(fresh);
    }
    offerCopies();
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
      // Somebody may have begun to type meanwhile: then the change is still to be shown.
      if (isTyping()) {
        isDue = true;
        return;
      }
      if (isGone && touched(document.getElementById('main')).length > 0) {
        tell('The page is gone, or your token may not read it any more. What you have typed is still here.');
        return;
      }
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
    // What is about to end may do so without a word of it.
    const isQuiet = isTold && document.querySelector('[data-soon]') === null;
    const wait = isDue ? restFor : isQuiet ? quietEvery : period;
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
