// What tables can do: be sorted, be searched and leafed through, and be saved as CSV.

var pageRows = 25;

function numberOf(text) {
  var n = parseFloat(text.replace(/,/g, ""));
  return isNaN(n) ? -Infinity : n;
}

// addressOf is the address that a link in a cell stands for.
function addressOf(link) {
  try { return decodeURIComponent(link.getAttribute("href").slice(1)); } catch (e) { return link.getAttribute("href").slice(1); }
}

// addCSV puts a button under a table that saves all of it, also the rows that are folded away.
function addCSV(table) {
  var button = element("button", { type: "button", "class": "csv" }, "Save as CSV");
  table.after(button);
  button.addEventListener("click", function () {
    var lines = Array.from(table.rows).filter(function (row) { return row.cells.length > 0; }).map(function (row) {
      return Array.from(row.cells).filter(function (cell) { return !cell.classList.contains("bar"); }).map(csvField).join(",");
    });
    var link = element("a", { download: "stakeledger-" + table.getAttribute("data-csv") + ".csv" });
    link.href = URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" }));
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  });
}

// csvField is a cell as a field: addresses whole, numbers without commas, and no text that is a formula.
function csvField(cell) {
  var link = cell.querySelector("a"), text = link ? addressOf(link) : cell.textContent.trim();
  if (/^-?[\d,]+(\.\d+)?$/.test(text)) { return text.replace(/,/g, ""); }
  if (text === "-") { return ""; }
  if (/^[=+@\t\r-]/.test(text)) { text = "'" + text; }
  return /[",\r\n]/.test(text) ? "\"" + text.replace(/"/g, "\"\"") + "\"" : text;
}

// newList has a click on a column's title sort the rows, shows them in parts, and those that are sought.
// matches(row, text) says which these are.
function newList(table, matches) {
  var body = table.tBodies[0], rows = Array.from(body.rows), part = 0, whole = rows.length <= 2 * pageRows, wanted = "";
  var heads = Array.from(table.tHead.rows[0].cells), sorted = { column: 2, up: false };
  var nav = element("p", { "class": "tools" }), status = element("span", { role: "status" });
  var before = element("button", { type: "button" }, "Previous"), after = element("button", { type: "button" }, "Next"), all = element("button", { type: "button" }, "Show all");
  nav.append(before, after, all, status);
  table.after(nav);
  before.addEventListener("click", function () { part--; show(); });
  after.addEventListener("click", function () { part++; show(); });
  all.addEventListener("click", function () { whole = !whole; part = 0; show(); });

  heads.forEach(function (head, column) {
    var button = element("button", { type: "button" }, head.textContent), isText = column === 1 || column === 7 || column === 13;
    head.replaceChildren(button);
    button.addEventListener("click", function () {
      sorted = { column: column, up: sorted.column === column ? !sorted.up : column === 0 || column === 1 || column === 7 };
      part = 0;
      sort();
    });
    head.isText = isText;
  });

  function sort() {
    var column = sorted.column, sign = sorted.up ? 1 : -1;
    function key(row) {
      var cell = row.cells[column];
      return column === 1 ? addressOf(cell.querySelector("a")) : heads[column].isText ? cell.textContent : numberOf(cell.textContent);
    }
    rows = rows.map(function (row) { return { row: row, key: key(row) }; }).sort(function (a, b) {
      return sign * (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
    }).map(function (r) { return r.row; });
    body.append.apply(body, rows);
    heads.forEach(function (h, i) { if (i === column) { h.setAttribute("aria-sort", sorted.up ? "ascending" : "descending"); } else { h.removeAttribute("aria-sort"); } });
    show();
  }

  function show() {
    var found = rows.filter(function (row) { return wanted === "" || matches(row, wanted); });
    var parts = whole ? 1 : Math.max(1, Math.ceil(found.length / pageRows)), size = whole ? found.length : pageRows;
    part = Math.max(0, Math.min(part, parts - 1));
    var shown = new Set(found.slice(part * size, (part + 1) * size));
    rows.forEach(function (row) { row.classList.toggle("off", !shown.has(row)); });
    before.disabled = part === 0;
    after.disabled = part === parts - 1;
    before.hidden = after.hidden = parts < 2;
    all.hidden = rows.length <= 2 * pageRows;
    all.textContent = whole ? "Show " + pageRows + " at a time" : "Show all";
    status.textContent = parts > 1 ? part * size + 1 + " to " + Math.min(found.length, (part + 1) * size) + " of " + found.length : "";
    nav.hidden = parts < 2 && all.hidden;
  }

  show();
  return {
    sort: sort,
    find: function (text) { wanted = text; part = 0; show(); return rows.filter(function (row) { return matches(row, text); }).length; },
    order: function () { return rows; }
  };
}
