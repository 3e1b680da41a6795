// Keeps a page up to date. Everything works without it.
//
// Every ten seconds the page's own address is read again, and the parts that are marked `data-live` are put in place
// of the old ones. It rests while nobody looks, and while somebody types. Answers are parsed, never run.
'use strict';
(() => {
  const period = 10000;
  const from = document.body.dataset.refresh;
  const news = document.getElementById('news');
  if (!from || !news) return;
  let isAsking = false;
  let isOver = false;

  const isTyping = () => {
    const at = document.activeElement;
    return at !== null && at.closest('form') !== null;
  };

  const tell = (text) => {
    if (news.textContent !== text) news.textContent = text;
  };

  // The link that had the keyboard keeps it.
  const put = (old, fresh) => {
    const at = document.activeElement;
    const address = at && old.contains(at) ? at.getAttribute('href') : null;
    old.replaceWith(fresh);
    if (address === null) return;
    for (const link of fresh.querySelectorAll('a')) {
      if (link.getAttribute('href') === address) {
        link.focus({ preventScroll: true });
        return;
      }
    }
  };

  const refresh = async () => {
    if (isAsking || isOver || document.hidden || isTyping()) return;
    isAsking = true;
    try {
      const answer = await fetch(from, { credentials: 'same-origin', cache: 'no-store', redirect: 'error' });
      if (answer.status === 401 || answer.status === 503) {
        isOver = true;
        tell(answer.status === 401
          ? 'Your session is over: what you see is not up to date. Load the page again to sign in.'
          : 'The vault is sealed or not ready: what you see is not up to date. Load the page again.');
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      // Somebody may have begun to type meanwhile.
      if (isTyping()) return;
      for (const old of document.querySelectorAll('[data-live]')) {
        const fresh = page.getElementById(old.id);
        if (fresh) put(old, document.importNode(fresh, true));
      }
      tell('');
    } catch {
      tell('The vault does not answer: what you see is not up to date. It is tried again.');
    } finally {
      isAsking = false;
    }
  };

  setInterval(refresh, period);
  document.addEventListener('visibilitychange', refresh);
})();
