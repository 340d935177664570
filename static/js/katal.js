// Comfort only: every page works without this file.
(() => {
  "use strict";
  const root = document.documentElement;
  const YEAR = 31536000;
  const keep = (name, value) => {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    const age = value ? YEAR : 0;
    document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
  };

  // Theme. The server already wrote the cookie's choice into the page; this heals a lost cookie.
  const stored = localStorage.getItem("katal-theme") || "";
  if (stored && !root.dataset.theme) {
    root.dataset.theme = stored;
    keep("katal_theme", stored);
  }
  const setTheme = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    if (theme) localStorage.setItem("katal-theme", theme);
    else localStorage.removeItem("katal-theme");
    keep("katal_theme", theme);
  };

  // The viewer's time zone, for people who set none.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (zone && !document.cookie.includes(`katal_zone=${encodeURIComponent(zone)}`)) keep("katal_zone", zone);

  const closePops = (except) =>
    document.querySelectorAll("details.pop[open]").forEach((pop) => {
      if (pop !== except) pop.open = false;
    });

  const drawer = (open) => {
    document.getElementById("menu").classList.toggle("open", open);
    const toggle = document.querySelector("[data-drawer]");
    toggle.setAttribute("aria-expanded", String(open));
    if (!open && location.hash === "#menu") history.replaceState(null, "", location.pathname + location.search);
  };

  // Passwords: 20 characters of four kinds, none that are taken for another.
  const KINDS = ["abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-_+=.:"];
  const pick = (characters) => {
    const limit = 256 - (256 % characters.length);
    const byte = new Uint8Array(1);
    do crypto.getRandomValues(byte);
    while (byte[0] >= limit);
    return characters[byte[0] % characters.length];
  };
  const newPassword = () => {
    const all = KINDS.join("");
    for (;;) {
      const made = Array.from({ length: 20 }, () => pick(all)).join("");
      if (KINDS.every((kind) => [...made].some((c) => kind.includes(c)))) return made;
    }
  };
  const show = (box, shown) => {
    box.querySelector("input").type = shown ? "text" : "password";
    box.querySelector("[data-show]").setAttribute("aria-pressed", String(shown));
  };

  const prepare = (part) => {
    part.querySelectorAll("[data-show], [data-generate], [data-copy]").forEach((button) => {
      button.hidden = false;
    });
  };

  // What a linked page asks, asked over this one. Where that fails, the page itself comes.
  const ask = async (link) => {
    if (link.dataset.asking) return;
    link.dataset.asking = "1";
    try {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [title, card] = [page.querySelector("main h1"), page.querySelector("main .card")];
      if (!answer.ok || answer.redirected || !card) throw new Error(answer.status);
      const dialog = document.createElement("dialog");
      const heading = document.createElement("h2");
      dialog.className = "ask";
      dialog.id = link.dataset.dialog;
      heading.id = `${dialog.id}-title`;
      heading.textContent = title.textContent;
      dialog.setAttribute("aria-labelledby", heading.id);
      dialog.append(heading, ...card.childNodes);
      dialog.addEventListener("close", () => dialog.remove());
      document.querySelector("main").append(dialog);
      prepare(dialog);
      dialog.showModal();
    } catch {
      location.assign(link.href);
    }
    delete link.dataset.asking;
  };

  document.addEventListener("DOMContentLoaded", () => {
    prepare(document);
    document.querySelector("[data-focus]")?.focus();
  });

  document.addEventListener("click", async (event) => {
    const target = event.target.closest("a, button, summary");
    if (!event.target.closest("details.pop")) closePops();
    else if (target?.matches(".pop > summary")) closePops(target.parentElement);
    if (event.target.closest(".backdrop")) {
      event.preventDefault();
      drawer(false);
    }
    if (!target) return;
    if (target.matches("[aria-disabled='true']")) event.preventDefault();
    if (target.matches("[data-drawer]")) {
      event.preventDefault();
      drawer(!document.getElementById("menu").classList.contains("open"));
    }
    if (target.closest("[data-themes]") && target.name === "theme") {
      event.preventDefault();
      setTheme(target.value);
      target.closest("form").querySelectorAll("button").forEach((b) => b.removeAttribute("aria-current"));
      target.setAttribute("aria-current", "true");
    }
    const box = target.closest("[data-password]");
    if (box && target.matches("[data-show]")) show(box, box.querySelector("input").type === "password");
    if (box && target.matches("[data-generate]")) {
      box.querySelector("input").value = newPassword();
      show(box, true);
    }
    if (box && target.matches("[data-copy]")) {
      await navigator.clipboard?.writeText(box.querySelector("input").value);
      const word = target.querySelector("span");
      const before = word.textContent;
      word.textContent = target.dataset.done;
      setTimeout(() => (word.textContent = before), 1500);
    }
    if (target.matches("a[data-dialog]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      ask(target);
    }
    const dialog = target.closest("dialog");
    if (dialog && target.matches("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const search = document.querySelector("[data-search]");
      if (search && search.offsetParent) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
    if (event.key === "Escape") {
      closePops();
      if (document.getElementById("menu")?.classList.contains("open")) drawer(false);
    }
  });

  // Selects marked so send their form when changed; the button beside them serves without JavaScript.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-auto]")) event.target.form.requestSubmit();
  });

  // A form is sent once.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.hasAttribute("data-again")) return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // Nobody looks at a hidden tab: it asks for nothing, and catches up when it is shown again.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.hasAttribute("data-live")) event.preventDefault();
  });
  document.addEventListener("htmx:afterSwap", (event) => prepare(event.target));
  // What somebody has opened to read or choose from stays open when the part around it is drawn anew.
  let opened = [];
  document.addEventListener("htmx:beforeSwap", () => {
    opened = [...document.querySelectorAll("details[id][open]")].map((each) => each.id);
  });
  for (const event of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
    document.addEventListener(event, () => {
      for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    });
  }
  // What was said once is not said again.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (target.id === "said" && target.textContent === fragment.textContent) event.detail.shouldSwap = false;
  });
})();
