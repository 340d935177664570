// Comfort of the machine list: it stays put while it is live, and can be used from the keyboard.
(() => {
  "use strict";
  const html = new WeakMap();
  const list = () => document.getElementById("machine-list");
  const rows = (of = list()) => [...(of?.querySelectorAll("tbody tr") ?? [])];
  const link = (row) => row.querySelector("a.name");
  const box = (row) => row.querySelector("[name=pk]");
  const boxes = () => rows().map(box).filter(Boolean);
  let waiting = null;

  // Menus and the box for all are made here: without JavaScript the machine's page has them.
  const dress = (row) => {
    if (html.has(row)) return row;
    html.set(row, row.outerHTML);
    const table = row.closest("table");
    if (table?.dataset.commands) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet dots";
      button.textContent = "⋯";
      button.setAttribute("aria-haspopup", "true");
      button.setAttribute("aria-label", `${table.dataset.label} ${link(row).textContent}`);
      row.lastElementChild.append(button);
    }
    return row;
  };
  const count = () => {
    const all = boxes();
    const chosen = all.filter((each) => each.checked).length;
    const told = document.querySelector(".number-chosen");
    if (told) told.textContent = told.dataset.count.replace("%s", chosen);
    const whole = document.querySelector("[data-all]");
    if (whole) {
      whole.hidden = false;
      whole.checked = chosen > 0 && chosen === all.length;
      whole.indeterminate = chosen > 0 && chosen < all.length;
    }
    const every = document.querySelector("[name=all]");
    if (every && !chosen) every.checked = false;
  };
  const prepare = () => {
    rows().forEach(dress);
    count();
  };

  // A row that changed takes the place of the old one; what did not change is not touched.
  const patch = (fresh) => {
    const old = list();
    const body = old.querySelector("tbody");
    const renewed = fresh.querySelector("tbody");
    if (!body || !renewed) {
      old.replaceWith(fresh);
      window.htmx.process(fresh);
      return prepare();
    }
    const had = new Map(rows(old).map((row) => [link(row).href, row]));
    const focused = document.activeElement?.closest("tbody tr");
    const at = focused && [link(focused).href, document.activeElement.matches("a") ? "a.name" : "[name=pk]"];
    const kept = rows(fresh).map((row) => {
      const before = had.get(link(row).href);
      if (before && html.get(before) === row.outerHTML) return before;
      if (before && box(before)?.checked) box(row).checked = true;
      return row;
    });
    const same = kept.length === had.size && rows(old).every((row, i) => link(row).href === link(kept[i]).href);
    if (same) {
      rows(old).forEach((row, i) => {
        if (row !== kept[i]) row.replaceWith(kept[i]);
      });
    } else {
      body.replaceChildren(...kept);
    }
    const foot = old.querySelector(".list-foot");
    const newFoot = fresh.querySelector(".list-foot");
    foot.replaceWith(newFoot);
    window.htmx.process(newFoot);
    prepare();
    if (at && !document.activeElement?.closest("tbody tr")) {
      rows().find((row) => link(row).href === at[0])?.querySelector(at[1])?.focus({ preventScroll: true });
    }
  };
  const isInUse = () => {
    const hovers = matchMedia("(hover: hover)").matches && list().querySelector("tbody")?.matches(":hover");
    return hovers || document.getElementById("row-menu")?.matches(":popover-open");
  };
  const moves = (fresh) => {
    const names = (of) => rows(of).map((row) => link(row).href).join();
    return names(list()) !== names(fresh);
  };
  const settle = () => {
    if (waiting && !isInUse()) {
      const fresh = waiting;
      waiting = null;
      patch(fresh);
    }
  };
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    if (event.target.id !== "machine-list") return;
    const fresh = event.detail.fragment.querySelector("#machine-list");
    if (!fresh) return;
    event.detail.shouldSwap = false;
    fresh.removeAttribute("hx-swap-oob");
    waiting = null;
    // Rows that come, go or change places wait until nobody points at them.
    if (isInUse() && moves(fresh)) waiting = fresh;
    else patch(fresh);
  });
  document.addEventListener("pointermove", settle, { passive: true });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "machine-list" || event.detail.target?.id === "machine-list") prepare();
  });
  document.addEventListener("DOMContentLoaded", prepare);
  if (document.readyState !== "loading") prepare();

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      boxes().forEach((each) => (each.checked = event.target.checked));
    }
    if (event.target.matches("[data-all], [name=pk]")) count();
  });

  const openMenu = async (button) => {
    const menu = document.getElementById("row-menu");
    const row = button.closest("tr");
    const id = box(row).value;
    const url = row.closest("table").dataset.commands.replace("00000000-0000-0000-0000-000000000000", id);
    await window.htmx.ajax("GET", url, { target: menu, swap: "innerHTML" });
    menu.showPopover();
    const place = button.getBoundingClientRect();
    const below = place.bottom + menu.offsetHeight < innerHeight;
    menu.style.top = `${below ? place.bottom + 4 : Math.max(8, place.top - menu.offsetHeight - 4)}px`;
    menu.style.left = `${Math.max(8, place.right - menu.offsetWidth)}px`;
    menu.querySelector("a, button")?.focus();
    menu.addEventListener("toggle", () => button.isConnected && button.focus({ preventScroll: true }), { once: true });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".dots");
    if (button) openMenu(button);
  });

  // j and k go down and up, x chooses; Enter follows the name, as it always does.
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("textarea, select, input:not([type=checkbox]), [contenteditable], dialog, [popover]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !list()) return;
    const all = rows();
    const now = all.indexOf(event.target.closest("tbody tr"));
    if (event.key === "j" || event.key === "k") {
      const next = now < 0 ? 0 : Math.min(all.length - 1, Math.max(0, now + (event.key === "j" ? 1 : -1)));
      if (all[next]) link(all[next]).focus();
      event.preventDefault();
    }
    if (event.key === "x" && now >= 0 && box(all[now])) {
      box(all[now]).checked = !box(all[now]).checked;
      count();
    }
  });
})();
