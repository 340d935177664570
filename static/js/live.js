// Asks whether anything on this page changed, and has its parts drawn anew when it did.
// Parts that listen carry data-live and hx-trigger="katal:changed from:body".
(() => {
  "use strict";
  const SOON = 1000;
  const CALM = 2000;
  const IDLE = 15000;
  const LONGEST = 30000;
  const IDLE_AFTER = 300000;
  const OFFLINE_AFTER = 3;
  const body = document.body;
  const offline = document.querySelector("[data-offline]");
  let timer = 0;
  let failures = 0;
  let moved = Date.now();

  const later = (delay) => {
    clearTimeout(timer);
    // Many browsers that lost the same server must not all come back in the same moment.
    timer = setTimeout(ask, delay * (0.9 + Math.random() * 0.2));
  };

  const ask = async () => {
    // Nobody looks at a hidden tab; and where nothing moves any more there is nothing to ask.
    if (document.hidden || !document.querySelector("[data-live]")) return;
    try {
      const query = new URLSearchParams({ of: body.dataset.pulse, mark: body.dataset.mark });
      const answer = await fetch(`/pulse/?${query}`, {
        credentials: "omit",
        cache: "no-store",
        signal: AbortSignal.timeout(10000),
      });
      if (answer.status === 410) return;
      if (!answer.ok) throw new Error(answer.status);
      failures = 0;
      offline.hidden = true;
      if (answer.status === 200) {
        body.dataset.mark = await answer.text();
        moved = Date.now();
        window.htmx?.trigger(body, "katal:changed");
        later(SOON);
      } else {
        later(Date.now() - moved > IDLE_AFTER ? IDLE : CALM);
      }
    } catch {
      failures += 1;
      offline.hidden = failures < OFFLINE_AFTER;
      later(Math.min(LONGEST, CALM * 2 ** failures));
    }
  };

  // A part that could not be fetched shows what was: no mark may say that it is known.
  for (const event of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    body.addEventListener(event, ({ target, detail }) => {
      const status = detail.xhr?.status || 0;
      const isGone = status >= 400 && status < 500 && status !== 429;
      if (isGone || !target.closest?.("[data-live]")) return;
      body.dataset.mark = "";
      later(Math.min(LONGEST, CALM * 2 ** (failures + 1)));
    });
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  for (const event of ["pointerdown", "keydown"]) {
    document.addEventListener(event, () => {
      const wasIdle = Date.now() - moved > IDLE_AFTER;
      moved = Date.now();
      if (wasIdle) ask();
    });
  }
  later(SOON);
})();
