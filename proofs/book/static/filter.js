"use strict";
/* Tables that can be filtered: without this every row is there. */
for (const form of document.querySelectorAll("form.filter")) {
  const rows = [...document.querySelectorAll(`#${form.dataset.table} tbody tr`)];
  const count = form.querySelector("[role=status]");
  const show = () => {
    let shown = 0;
    for (const row of rows) {
      const fits = [...form.elements].every((field) => {
        if (!field.name || !field.value) return true;
        const text = field.name === "text" ? row.textContent.toLowerCase() : row.dataset[field.name];
        return field.name === "text" ? text.includes(field.value.toLowerCase()) : text === field.value;
      });
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length} rows`;
  };
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}
