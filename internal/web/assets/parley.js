// What saves steps where scripts run. Pages do without it.

// Buttons that copy the text of an element.
function copyable(within) {
  for (const button of within.querySelectorAll("button.copy")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    const words = button.textContent;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed by the browser";
      }
      setTimeout(() => { button.textContent = words; }, 2000);
    });
  }
}
copyable(document);

// What is left empty in a form is not asked, and need not stand in the address.
for (const form of document.querySelectorAll("form.query, form.search")) {
  form.addEventListener("formdata", (event) => {
    const asked = new Map();
    for (const [name, value] of event.formData) {
      const text = String(value).trim();
      if (text) asked.set(name, asked.has(name) ? `${asked.get(name)},${text}` : text);
    }
    for (const name of new Set(event.formData.keys())) event.formData.delete(name);
    for (const [name, value] of asked) event.formData.set(name, value);
  });
}

// A page of the present keeps up with the records: while it is looked at, it asks for the newest revision now and then, which costs
// next to nothing, and shows what the page now has. Who is reading with the keyboard or selecting text is not disturbed, but told.
const pause = 15_000; // milliseconds
const status = document.querySelector(".live");

async function newest() {
  const response = await fetch("/v1/changesets?fields=id&limit=1", { cache: "no-cache" });
  return response.ok ? (await response.json()).data[0]?.id : undefined;
}

async function renew() {
  const response = await fetch(location.href, { cache: "no-cache", headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const opened = [...document.querySelectorAll("main details")].map((d) => d.open);
  for (const part of ["main", "footer"]) {
    document.querySelector(part).replaceChildren(...fresh.querySelector(part).childNodes);
  }
  const details = document.querySelectorAll("main details");
  if (details.length === opened.length) details.forEach((d, i) => { d.open = opened[i]; });
  copyable(document.querySelector("main"));
  document.body.dataset.revision = fresh.body.dataset.revision;
  status.textContent = `Brought up to date: revision ${fresh.body.dataset.revision}.`;
}

async function keepUp() {
  if (document.hidden) return;
  try {
    const revision = await newest();
    if (!revision || revision <= Number(document.body.dataset.revision)) return;
    if (document.querySelector("main").contains(document.activeElement) && document.activeElement.id !== "main" || !getSelection().isCollapsed) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Bring the page up to date";
      button.addEventListener("click", async () => {
        await renew();
        document.querySelector("main").focus();
      });
      if (!status.querySelector("button")) status.replaceChildren("The records have changed. ", button);
    } else {
      await renew();
    }
  } catch {
    // no connection: the next time, perhaps
  }
}

if (status) {
  setInterval(keepUp, pause);
  document.addEventListener("visibilitychange", keepUp);
}
