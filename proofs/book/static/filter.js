"use strict";
/* Rows that can be filtered: by words of their data attributes and by their text. Without this all rows are there. */
for (const form of document.querySelectorAll("form.filter")) {
  const rows = [...document.querySelectorAll(form.dataset.rows)];
  const fits = (row, { name, value }) => {
    if (!name || !value) return true;
    if (name === "text") return row.textContent.toLowerCase().includes(value.toLowerCase());
    return row.dataset[name] === value || row.dataset[name].split(" ").includes(value);
  };
  const show = () => {
    for (const row of rows) row.hidden = ![...form.elements].every((field) => fits(row, field));
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("[role=status]").textContent = `${shown} of ${rows.length} ${form.dataset.noun}`;
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
