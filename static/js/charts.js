// Reading a curve: what the sample under the pointer is. Without this, the table says it.
(() => {
  "use strict";
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  const word = document.createElement("span");
  tip.append(word);

  const read = (event) => {
    const svg = event.target.closest?.("svg[data-said]");
    if (!svg) return tip.remove();
    const said = svg.dataset.said.split("|");
    const last = said.length - 1;
    const box = svg.getBoundingClientRect();
    const at = Math.round(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * last);
    const part = last ? at / last : 0;
    const plot = svg.parentElement;
    if (tip.parentElement !== plot) plot.append(tip);
    tip.style.insetInlineStart = `${box.left - plot.getBoundingClientRect().left + part * box.width}px`;
    tip.classList.toggle("before", part > 0.5);
    word.textContent = said[at];
  };

  document.addEventListener("pointermove", read);
  document.addEventListener("pointerdown", read);
  document.documentElement.addEventListener("pointerleave", () => tip.remove());
})();
