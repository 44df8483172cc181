// How strong the new password is, while it is typed. It never leaves this page; the server judges it again.
"use strict";

for (const box of document.querySelectorAll("[data-strength]")) {
  const input = document.getElementById(box.dataset.strength);
  const own = box.dataset.own.split("|").flatMap((word) => [word, ...word.split(/[\s@.]+/)]);
  const words = box.dataset.words.split("|");
  const meter = box.querySelector("meter");
  const output = box.querySelector("output");
  let waiting;
  const tell = () => {
    const length = [...input.value].length;
    const score = length ? zxcvbn(input.value.slice(0, 48), own).score : 0;
    const shown = length < Number(box.dataset.minimum) ? Math.min(score, 1) : score;
    meter.value = shown;
    const text = length ? words[shown] : "";
    if (output.textContent !== text) output.textContent = text;
    box.hidden = !length;
  };
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(tell, 150);
  });
}
