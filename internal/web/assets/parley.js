// What saves steps where scripts run. Pages do without it.

// Buttons that copy the text of an element.
for (const button of document.querySelectorAll("button.copy")) {
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
