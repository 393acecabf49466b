// The section of one miner: its figures, the curve of its gain, its newest positions and closes.

function minuteText(m) { return iso(m * 60, 0, 10) + " " + iso(m * 60, 11, 16); }

function heldText(minutes) {
  if (minutes < 60) { return minutes + " min"; }
  return minutes < 2880 ? (minutes / 60).toFixed(1) + " h" : (minutes / 1440).toFixed(1) + " d";
}

var places = 4;
function fixed(v) { return v.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places }).replace(/^-(0(\.0*)?)$/, "$1"); }
function ratio(won, counted) { return counted ? (100 * won / counted).toFixed(1) : "-"; }
function direction(v) { return v > 0 ? "up" : v < 0 ? "down" : ""; }

// copyText puts a text into the clipboard, where the browser lets a page do so, and says whether it did.
function copyText(text, done) {
  function byHand() {
    var field = element("textarea", { "aria-hidden": "true", "class": "away" });
    field.value = text;
    document.body.append(field);
    field.select();
    done(document.execCommand("copy"));
    field.remove();
  }
  if (!navigator.clipboard) { byHand(); return; }
  navigator.clipboard.writeText(text).then(function () { done(true); }, byHand);
}

// fold hides all but the first rows of a long table until they are asked for.
function fold(table) {
  var rows = Array.from(table.tBodies[0].rows), button = element("button", { type: "button", "class": "csv", "aria-expanded": "false" });
  if (rows.length <= 12) { return; }
  function set(folded) {
    rows.forEach(function (row, i) { row.classList.toggle("off", folded && i >= 10); });
    button.textContent = folded ? "Show all " + rows.length : "Show 10";
    button.setAttribute("aria-expanded", String(!folded));
  }
  button.addEventListener("click", function () { set(button.getAttribute("aria-expanded") === "true"); });
  set(true);
  table.after(button);
}

// addRows makes a table of some of the rows that there are, and says of how many.
function addRows(section, title, csv, header, rows, all, more) {
  section.append(element("h3", {}, title));
  if (!rows.length) { section.append(element("p", { "class": "note" }, "None.")); return; }
  var table = element("table", { "data-csv": csv }), head = element("tr"), body = element("tbody");
  header.forEach(function (h) { head.append(element("th", { scope: "col", "class": (h.text ? "" : "n") + (h.less ? " " + h.less : "") }, h.name)); });
  rows.forEach(function (cells) {
    var row = element("tr");
    cells.forEach(function (c, i) {
      var h = header[i];
      row.append(element("td", { "class": (h.text ? "" : "n ") + (h.less ? h.less + " " : "") + (h.signed ? direction(c) : "") }, typeof c === "number" && h.amount ? fixed(c) : String(c)));
    });
    body.append(row);
  });
  table.append(element("thead"), body);
  table.tHead.append(head);
  section.append(table);
  fold(table);
  addCSV(table);
  if (all > rows.length) { section.append(element("p", { "class": "note" }, "The newest " + rows.length + " of " + all.toLocaleString("en") + "; " + more + " has them all.")); }
}

var positionHeader = [
  { name: "Entered (UTC)", text: true }, { name: "Position", less: "some" }, { name: "Subnet", less: "more" }, { name: "TAO", amount: true }, { name: "Alpha", amount: true, less: "more" },
  { name: "Alpha left", amount: true, less: "more" }, { name: "State", text: true }, { name: "Gain TAO", amount: true, signed: true }
];
var closeHeader = [
  { name: "Closed (UTC)", text: true }, { name: "Trade", less: "some" }, { name: "Position", less: "some" }, { name: "Subnet", less: "more" }, { name: "Alpha", amount: true, less: "more" },
  { name: "TAO", amount: true }, { name: "Gain TAO", amount: true, signed: true }, { name: "Held", less: "more" }, { name: "Counts", text: true }
];
var remarks = ["yes", "too early", "self-trade"];

// showMiner fills the section with the miner of a row of the leaderboard, whose data is m. curve(figure) draws.
function showMiner(section, row, m, curve, close) {
  var address = addressOf(row.cells[1].querySelector("a"));
  var copy = element("button", { type: "button" }, "Copy address"), hide = element("button", { type: "button" }, "Close"), copied = element("span", { role: "status" });
  copy.addEventListener("click", function () {
    copyText(address, function (ok) { copied.textContent = ok ? "Copied." : "The browser does not let this page copy; select the address instead."; });
  });
  hide.addEventListener("click", close);
  var heading = element("h2", { id: "miner-title", tabindex: "-1" }, "Miner ");
  heading.append(element("code", {}, address));
  var tools = element("p", { "class": "tools" });
  tools.append(copy, hide, copied);
  var figures = element("dl", { "class": "figures" });
  Array.from(row.cells).forEach(function (cell, i) {
    if (i === 1) { return; }
    var box = element("div");
    box.append(element("dt", {}, i ? document.getElementById("miners").tHead.rows[0].cells[i].textContent : "Rank"), element("dd", { "class": cell.className }, cell.textContent.trim()));
    figures.append(box);
  });
  var figure = element("figure");
  section.replaceChildren(heading, tools, figures, figure);
  addRows(section, "Positions", "positions-" + address, positionHeader, m.o.map(function (p) {
    return [minuteText(p[1]), p[0], p[2], p[3], p[4], p[5], p[5] === 0 ? "closed" : p[5] === p[4] ? "open" : "partial", p[6]];
  }), m.n[0], "stakeledger positions --miner " + address);
  addRows(section, "Closes", "closes-" + address, closeHeader, m.x.map(function (c) {
    return [minuteText(c[2]), c[0], c[1], c[3], c[4], c[5], c[6], heldText(c[7]), remarks[c[8]]];
  }), m.n[1], "stakeledger trades --miner " + address);
  section.hidden = false;
  curve(figure);
  return heading;
}
