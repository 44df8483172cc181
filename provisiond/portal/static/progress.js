// Asks until all services are there, ever more seldom; the list says each as it comes.
"use strict";

const list = document.querySelector("[data-progress]");
const status = document.querySelector("[data-all-ready]");
let wait = 1000;

async function look() {
  try {
    const answer = await fetch(list.dataset.progress, { headers: { Accept: "application/json" } });
    const told = answer.ok && !answer.redirected ? await answer.json() : {};
    for (const part of list.querySelectorAll("[data-part]")) {
      part.classList.toggle("ready", Boolean(told[part.dataset.part]));
    }
    if (told.done) {
      status.textContent = status.dataset.allReady;
      return;
    }
  } catch {
    // asked again below
  }
  wait = Math.min(wait * 1.5, 15000);
  setTimeout(look, wait);
}

if (list && list.querySelector("[data-part]:not(.ready)")) setTimeout(look, wait);
