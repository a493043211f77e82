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

// A page of the present keeps up with the records. It follows the stream of changesets, and shows what the page has then. Who is
// reading with the keyboard or selecting text is not disturbed, but told.
const status = document.querySelector(".live");
const embedded = document.body.classList.contains("embed");

// What the page showed may be there no longer: then the answer says so in its stead.
async function renew(revision) {
  const response = await fetch(location.href, { cache: "no-cache", headers: { Accept: "text/html" } });
  const gone = response.status === 404 || response.status === 410;
  if (!response.ok && !gone) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const opened = [...document.querySelectorAll("main details")].map((d) => d.open);
  for (const part of ["main", "footer"]) {
    document.querySelector(part).replaceChildren(...fresh.querySelector(part).childNodes);
  }
  const details = document.querySelectorAll("main details");
  if (details.length === opened.length) details.forEach((d, i) => { d.open = opened[i]; });
  copyable(document.querySelector("main"));
  document.title = fresh.title;
  document.body.dataset.revision = fresh.body.dataset.revision ?? revision;
  if (gone) status.textContent = "The records have changed: what this page showed is no longer there.";
  else status.textContent = embedded ? "" : `Brought up to date: revision ${document.body.dataset.revision}.`;
}

function busy() {
  const main = document.querySelector("main");
  return main.contains(document.activeElement) && document.activeElement !== main || !getSelection().isCollapsed;
}

let renewing = Promise.resolve();
function heard(revision) {
  renewing = renewing.then(async () => {
    if (revision <= Number(document.body.dataset.revision)) return;
    if (!busy()) {
      await renew(revision);
    } else if (!status.querySelector("button")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Bring the page up to date";
      button.addEventListener("click", async () => {
        await renew(revision);
        document.querySelector("main").focus();
      });
      status.replaceChildren("The records have changed. ", button);
    }
  }).catch(() => {}); // no connection: the next time, perhaps
}

// follow opens the stream, of which every event has the revision in its id, and returns what ends it. Where the stream is refused, it
// asks for the newest revision now and then, which costs next to nothing, and for the stream again later.
const pause = 15_000; // milliseconds
const later = 120_000;

function follow(tell) {
  let source, polling, again;
  const poll = async () => {
    const response = await fetch("/v1/changesets?fields=id&limit=1", { cache: "no-cache" }).catch(() => undefined);
    if (response?.ok) tell((await response.json()).data[0]?.id ?? 0);
  };
  const open = () => {
    source = new EventSource("/v1/changesets.sse?fields=id");
    const event = ({ lastEventId }) => tell(Number.parseInt(lastEventId, 10));
    for (const name of ["revision", "upsert", "leave", "delete", "reset"]) source.addEventListener(name, event);
    source.addEventListener("open", () => { clearInterval(polling); polling = undefined; });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
      polling ??= setInterval(poll, pause);
      again = setTimeout(open, later);
    });
  };
  open();
  return () => { source.close(); clearInterval(polling); clearTimeout(again); };
}

// Browsers have few connections to one host, so of all pages that are looked at one follows, and tells the others.
function keepUp() {
  const others = new BroadcastChannel("parley");
  others.addEventListener("message", ({ data }) => heard(data));
  let stop;
  const start = () => {
    const leaving = new AbortController();
    const lead = () => new Promise((resolve) => {
      const end = follow((revision) => { heard(revision); others.postMessage(revision); });
      leaving.signal.addEventListener("abort", () => { end(); resolve(); });
    });
    if (navigator.locks) {
      navigator.locks.request("parley", { signal: leaving.signal }, () => leaving.signal.aborted ? undefined : lead())
        .catch(({ name }) => { if (name === "SecurityError" && !leaving.signal.aborted) lead(); }); // a frame in a sandbox has no locks
    } else {
      lead();
    }
    stop = () => leaving.abort();
  };
  const look = () => {
    stop?.();
    stop = undefined;
    if (!document.hidden) start();
  };
  document.addEventListener("visibilitychange", look);
  look();
}

if (status) keepUp();

// An embed tells the page around it how tall it is, and of which revision.
if (embedded && parent !== window) {
  const say = () => parent.postMessage({ type: "parley:height", height: document.documentElement.getBoundingClientRect().height, revision: document.body.dataset.revision }, "*");
  new ResizeObserver(say).observe(document.documentElement);
  addEventListener("message", ({ source, data }) => { if (source === parent && data?.type === "parley:measure") say(); });
}
